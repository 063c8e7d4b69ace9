//! Registers of architectures that the types at hand are not of.

use bcc_core::compile::{CompileRequest, Compiler as _};
use bcc_core::target::Target;
use std::fmt::Write;

/// Machine, and where its kernels keep the first five arguments, the result, the instruction pointer,
/// the stack pointer, and the program counter of `bpf_perf_event_data`.
const LAYOUTS: &[(&str, [i16; 9])] = &[
    ("x86_64", [112, 104, 96, 88, 72, 80, 128, 152, 128]),
    ("aarch64", [0, 8, 16, 24, 32, 0, 256, 248, 256]),
    ("s390x", [40, 48, 56, 64, 72, 40, 16, 144, 16]),
    ("ppc64le", [24, 32, 40, 48, 56, 24, 256, 8, 256]),
    ("riscv64", [80, 88, 96, 104, 112, 80, 0, 16, 0]),
    ("loongarch64", [32, 40, 48, 56, 64, 32, 264, 24, 264]),
    ("mips64", [32, 40, 48, 56, 64, 16, 296, 232, 296]),
];

const REGISTERS: [&str; 8] = ["PARM1", "PARM2", "PARM3", "PARM4", "PARM5", "RC", "IP", "SP"];

#[test]
fn each_register_is_read_where_its_kernel_keeps_it() {
    let live = Target::live();
    for (machine, offsets) in LAYOUTS {
        let mut text = String::from("#include <uapi/linux/ptrace.h>\n");
        for register in REGISTERS {
            let _ = writeln!(
                text,
                "u64 {register}_(struct pt_regs *ctx) {{ return PT_REGS_{register}(ctx); }}"
            );
        }
        text.push_str("#include <linux/bpf_perf_event.h>\n");
        text.push_str(
            "u64 pc(struct bpf_perf_event_data *ctx) { return PT_REGS_IP(BCC_REGS(&ctx->regs)); }\n",
        );
        // For riscv the user's registers have names of their own.
        let regs = if *machine == "riscv64" { "((struct pt_regs *)(r))" } else { "(r)" };
        text.insert_str(0, &format!("#define BCC_REGS(r) {regs}\n"));
        let request = CompileRequest {
            text: text.into_bytes(),
            file: "/virtual/main.c".to_owned(),
            target: Target { arch: (*machine).to_owned(), ..live.clone() },
            ..CompileRequest::default()
        };
        let output =
            bcc_frontend::Compiler.compile(&request).unwrap_or_else(|e| panic!("{machine}: {e}"));
        let functions = REGISTERS.iter().map(|register| format!("{register}_"));
        for (name, want) in functions.chain(["pc".to_owned()]).zip(offsets) {
            let program = output.spec.programs.iter().find(|program| program.name == name);
            let offset = &program.expect("compiled").insns[2..4];
            let offset = [offset[0], offset[1]];
            let big = matches!(*machine, "s390x" | "mips64");
            let offset = if big { i16::from_be_bytes(offset) } else { i16::from_le_bytes(offset) };
            assert_eq!(offset, *want, "{machine}: {name}");
        }
    }
}
