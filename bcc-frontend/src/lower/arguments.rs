//! Parameters after the context become loads from the registers of a `pt_regs`.

use super::origin::Kinds;
use crate::emit::Reporter;
use crate::facts::{ContextKind, ProgramDecl};
use crate::llvm::{Builder, Context, Module, Value, clone_function};
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, Stage};

/// Byte offsets in `struct pt_regs` of the registers that hold a function's arguments.
struct Registers {
    /// Of an ordinary function.
    call: &'static [u64],
    /// Of a system call.
    syscall: &'static [u64],
    /// Since which kernel system calls take a `pt_regs`.
    wrapper: Option<(u32, u32)>,
}

const ARM64: [u64; 8] = [0, 8, 16, 24, 32, 40, 48, 56];
const POWERPC: [u64; 8] = [24, 32, 40, 48, 56, 64, 72, 80];
const RISCV64: [u64; 8] = [80, 88, 96, 104, 112, 120, 128, 136];
const LOONGARCH64: [u64; 8] = [32, 40, 48, 56, 64, 72, 80, 88];
const MIPS64: [u64; 8] = LOONGARCH64;

fn registers(arch: &str) -> Option<Registers> {
    let same = |call: &'static [u64], wrapper| Registers { call, syscall: call, wrapper };
    Some(match arch {
        "x86_64" => Registers {
            call: &[112, 104, 96, 88, 72, 64],    // di si dx cx r8 r9
            syscall: &[112, 104, 96, 56, 72, 64], // di si dx r10 r8 r9
            wrapper: Some((4, 17)),
        },
        "aarch64" | "arm64" => same(&ARM64, Some((4, 19))),
        "s390x" => Registers {
            call: &[40, 48, 56, 64, 72], // r2 to r6
            syscall: &[40, 48, 56, 64, 72, 80],
            wrapper: Some((5, 5)),
        },
        "ppc64" | "ppc64le" | "powerpc" => same(&POWERPC, Some((6, 2))),
        "riscv64" => same(&RISCV64, Some((6, 6))),
        "loongarch64" => same(&LOONGARCH64, None),
        "mips64" => same(&MIPS64, None),
        _ => return None,
    })
}

/// The Target's machine, as far as parameters depend on it.
pub(super) struct Machine<'a> {
    pub(super) arch: &'a str,
    /// `uname -r`.
    pub(super) release: &'a str,
}

/// Major and minor number of a release.
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next())
}

/// Whether the parameters after the first are to come from registers.
pub(super) fn has_register_params(function: Value) -> bool {
    let params = function.params();
    !mutation::off("lower:arguments") && params.len() > 1 && params[0].ty().is_pointer()
}

/// Rewrites program `function` to take its context only. Callers get a copy that takes values.
///
/// # Errors
/// A parameter that no register holds.
pub(super) fn lower(
    context: &Context,
    module: &Module<'_>,
    function: Value,
    decl: &ProgramDecl,
    machine: &Machine<'_>,
    reporter: &Reporter<'_>,
) -> Result<Value, Box<Diagnostic>> {
    if function.is_used() {
        let copy = clone_function(function);
        copy.make_internal();
        function.replace_with(copy);
    }
    let place = function.definition();
    let fail = |message: String| Box::new(reporter.error(Stage::Lower, &place, message));
    let registers = registers(machine.arch)
        .ok_or_else(|| fail(format!("no register layout is known for {}", machine.arch)))?;
    let indirect =
        decl.syscall && registers.wrapper.is_some_and(|since| version(machine.release) >= since);
    let offsets = if decl.syscall { registers.syscall } else { registers.call };

    let params = function.params();
    let ty = Builder::function_type(function.value_type().returned(), &[context.pointer()]);
    let name = function.name();
    let lowered = module.add_function(&format!("{name}.lowered"), ty);
    lowered.take_body(function);
    let builder = Builder::new(context);
    if let Some(first) = lowered.first_instruction() {
        builder.before(first);
    }
    let word = context.int(64);
    let mut base = lowered.params()[0];
    params[0].replace_with(base);
    if indirect && params[1..].iter().any(|param| param.is_used()) {
        let address = builder.offset(base, registers.call[0]);
        base = builder.load(context.pointer(), address, 8);
    }
    for (index, param) in params[1..].iter().enumerate() {
        if !param.is_used() {
            param.replace_with(param.ty().undefined());
            continue;
        }
        let fits = param.ty().is_pointer() || (1..=64).contains(&param.ty().bits());
        if !fits {
            return Err(fail(format!(
                "parameter {} of `{name}` is neither an integer nor a pointer",
                index + 2
            )));
        }
        let offset = offsets.get(index).ok_or_else(|| {
            fail("too many arguments, bcc only supports in-register parameters".to_owned())
        })?;
        let register = builder.load(word, builder.offset(base, *offset), 8);
        param.replace_with(builder.convert(register, param.ty()));
    }
    function.delete_function();
    lowered.set_name(&name);
    Ok(lowered)
}

/// What a program's context is, and with `lowered` parameters the registers that they were read from.
/// With `by_helper` the verifier need not follow any pointer.
pub(super) fn context(decl: &ProgramDecl, lowered: bool, by_helper: bool) -> Kinds {
    use ContextKind::{Btf, Other, PtRegs, RawTracepoint, StructOps, Tracepoint};
    if mutation::off("lower:context") {
        return Kinds::CONTEXT;
    }
    if lowered || mutation::off("lower:trusted") {
        return Kinds::RAW_CONTEXT;
    }
    match decl.context {
        PtRegs | RawTracepoint | Tracepoint => Kinds::RAW_CONTEXT,
        Btf if by_helper && !mutation::off("lower:by_helper") => Kinds::RAW_CONTEXT,
        Btf => Kinds::BTF_CONTEXT,
        StructOps | Other => Kinds::CONTEXT,
    }
}
