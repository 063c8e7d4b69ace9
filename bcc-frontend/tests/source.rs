//! The source stage on texts that are no plain file: user headers, generated readers, other
//! architectures, hostile bytes.

mod common;

use bcc_core::spec::Severity;
use bcc_frontend::parse::lex::Lexed;
use bcc_frontend::rewrite::{EditSet, rewrite};
use common::{MAIN, input, main_text, request, run};
use proptest::prelude::*;

const HEADER: &str = "/user/tables.h";

#[test]
fn tables_macros_and_calls_in_user_headers_are_rewritten_there() {
    let header = "BPF_HASH(seen, u32);\n\
                  #define COUNT(k) seen.increment(k)\n\
                  static inline u64 *find(u32 k) { return seen.lookup(&k); }\n";
    let text =
        "#include \"tables.h\"\nint f(void *ctx) { u32 k = 1; COUNT(k); find(k); return 0; }\n";
    let rewritten = run(text.as_bytes(), &[(HEADER, header)]).expect("no errors");
    assert_eq!(main_text(&rewritten), text, "nothing to change in the main text");
    let file = rewritten.input.files.iter().find(|f| f.path == HEADER).expect("the header");
    assert_eq!(
        String::from_utf8_lossy(&file.text),
        "BPF_HASH(seen, u32);\n\
         #define COUNT(k) bcc_increment(seen, k)\n\
         static inline u64 *find(u32 k) { return bcc_lookup(seen, &k); }\n"
    );
    assert_eq!(common::errors_of_clang(&rewritten), [""; 0]);
    let programs: Vec<_> = rewritten.programs.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(programs, ["f"], "a header's functions are no programs");
}

#[test]
fn generated_readers_leave_the_users_lines_alone() {
    let readers = "static inline int _bpf_readarg_f_1(void *ctx, void *to, unsigned long len)\n\
                   { return 0; }\n";
    let own =
        "int f(struct pt_regs *ctx)\n{\n\tu64 v;\n\treturn bpf_usdt_readarg(1, ctx, &v);\n}\n";
    let text = format!("{readers}{own}");
    let mut request = request(text.as_bytes());
    request.preamble_lines = 2;
    let rewritten = rewrite(&request, input(text.as_bytes(), &[])).expect("no errors");
    let expected = own.replace("bpf_usdt_readarg(1", "bcc_usdt_readarg(f, 1");
    assert_eq!(main_text(&rewritten), expected);
    assert_eq!(rewritten.programs[0].line, 1);
    assert_eq!(common::errors_of_clang(&rewritten), [""; 0]);

    let broken = format!("{readers}int f(void *ctx)\n{{ return nothing; }}\n");
    let error = rewrite(&request, input(broken.as_bytes(), &[])).expect_err("an error");
    assert_eq!((error[0].file.as_str(), error[0].line, error[0].column), (MAIN, 2, 10));
    assert_eq!(error[0].source_line.as_deref(), Some("{ return nothing; }"));
}

#[test]
fn a_license_in_cflags_is_refused_and_one_in_the_text_is_kept() {
    let text = b"int f(void *ctx) { return 0; }\n";
    let mut with_flag = input(text, &[]);
    with_flag.args.push("-DBPF_LICENSE=GPL".to_owned());
    let error = rewrite(&request(text), with_flag).expect_err("refused");
    assert!(error[0].message.contains("BPF_LICENSE cannot be specified through cflags"));

    let license = |text: &str| {
        let rewritten = run(text.as_bytes(), &[]).expect("no errors");
        let spec = bcc_frontend::emit::emit(&request(text.as_bytes()), &rewritten);
        spec.expect("a module").license
    };
    let function = "int f(void *ctx) { return 0; }\n";
    assert_eq!(license(function), "GPL");
    assert_eq!(license(&format!("#define BPF_LICENSE Dual BSD/GPL\n{function}")), "Dual BSD/GPL");
    let quoted = format!("#define BPF_LICENSE \"Dual BSD/GPL\"\n{function}");
    assert_eq!(license(&quoted), "Dual BSD/GPL");
    let own = "char _license[] SEC(\"license\") = \"Dual MIT/GPL\";\n";
    assert_eq!(license(&format!("{own}{function}")), "Dual MIT/GPL");
}

#[test]
fn registers_have_names_on_every_architecture() {
    let layouts = [
        ("arm64", "u64 regs[31], sp, pc, pstate, orig_x0;"),
        ("s390x", "struct { u64 mask, addr; } psw; u64 gprs[16], orig_gpr2;"),
        ("powerpc", "u64 gpr[32], nip, link, orig_gpr3;"),
        ("mips", "u64 regs[32], cp0_epc;"),
        ("riscv64", "u64 epc, ra, sp, s0, a0, a1, a2, a3, a4, a5, orig_a0;"),
        ("loongarch", "u64 regs[32], orig_a0, csr_era;"),
    ];
    for (arch, members) in layouts {
        let sixth =
            if arch == "s390x" { "" } else { "+ PT_REGS_PARM6(r) + PT_REGS_PARM6_SYSCALL(r)" };
        let text = format!(
            "struct regs {{ {members} }};\n\
             u64 f(void *ctx) {{ struct regs *r = ctx; return PT_REGS_PARM1(r) + PT_REGS_PARM2(r) +\n\
             PT_REGS_PARM3(r) + PT_REGS_PARM4(r) + PT_REGS_PARM5(r) + PT_REGS_RC(r) + PT_REGS_IP(r) +\n\
             PT_REGS_SP(r) + PT_REGS_FP(r) + PT_REGS_RET(r) + PT_REGS_PARM1_SYSCALL(r) +\n\
             PT_REGS_PARM4_SYSCALL(r) {sixth}; }}\n"
        );
        let mut input = input(text.as_bytes(), &[]);
        input.args.retain(|arg| !arg.contains("x86"));
        input.args.push(format!("-D__TARGET_ARCH_{arch}"));
        let result = rewrite(&request(text.as_bytes()), input);
        assert!(result.is_ok(), "{arch}: {:?}", result.err());
    }
}

#[test]
fn directives_comments_and_line_ends_inside_calls_stay() {
    let text = "BPF_HASH(h, u32);\r\n\
                int f(void *ctx) {\r\n\
                u32 k = 0; u64 v = 0;\r\n\
                h . /* dot\r\n */ update (\r\n\
                #ifdef NOTHING\r\n\
                &v,\r\n\
                #else\r\n\
                &k, // key \u{e9}\r\n\
                #endif\r\n\
                &v);\r\n\
                return h.\\\r\nlookup(&k) != 0; }\r\n";
    let text: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let rewritten = run(&text, &[]).expect("no errors");
    assert_eq!(common::errors_of_clang(&rewritten), [""; 0]);
    let main = rewritten.input.files.iter().find(|f| f.path == MAIN).expect("the main file");
    let lines = |t: &[u8]| t.split(|c| *c == b'\n').map(|l| l.ends_with(b"\r")).collect::<Vec<_>>();
    assert_eq!(lines(&text)[..12], lines(&main.text)[..12]);
}

#[test]
fn a_thousand_nested_macros_are_followed() {
    let mut text = String::from("BPF_HASH(h, u32);\n#define M0(k) h.increment(k)\n");
    for i in 1..1000 {
        text += &format!("#define M{i}(k) M{}(k)\n", i - 1);
    }
    text += "int f(void *ctx) { u32 k = 0; M999(k); return 0; }\n";
    let rewritten = run(text.as_bytes(), &[]).expect("no errors");
    assert_eq!(main_text(&rewritten), text.replace("h.increment(k)", "bcc_increment(h, k)"));
}

#[test]
fn large_texts_are_rewritten() {
    let mut text = String::from("BPF_HASH(h, u32);\nint f(void *ctx) {\n\tu32 k = 0;\n");
    while text.len() < 1 << 20 {
        text += "\th.increment(k); /* a comment to make the text longer, and a string: \" */\n";
    }
    text += "\treturn 0;\n}\n";
    let rewritten = run(text.as_bytes(), &[]).expect("no errors");
    assert_eq!(main_text(&rewritten), text.replace("h.increment(k)", "bcc_increment(h, k)"));

    let fields: String = (0..5000).map(|i| format!("\tu32 field{i};\n")).collect();
    let text = format!("struct big {{\n{fields}}};\nBPF_HASH(h, u32, struct big);\n");
    let rewritten = run(text.as_bytes(), &[]).expect("no errors");
    assert_eq!(rewritten.maps[0].spec.value_size, 20_000);
}

#[test]
fn an_unknown_method_is_the_dialect_s_error_with_the_nearest_one() {
    let text = b"BPF_HASH(h);\nint f(void *ctx) { u64 k = 1; h.lokup(&k); return 0; }\n";
    let errors = rewrite(&request(text), input(text, &[])).expect_err("no such method");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].message, "invalid bpf_table operation lokup");
    assert_eq!((errors[0].line, errors[0].hint.as_deref()), (2, Some("did you mean 'lookup'?")));
}

#[test]
fn an_event_that_the_kernel_lacks_is_an_error_with_the_nearest_one() {
    let tracefs = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(tracefs.path().join("events/sched/sched_switch")).expect("an event");
    let text = b"TRACEPOINT_PROBE(sched, sched_swich) { return 0; }\n";
    let mut request = request(text);
    request.target.tracefs = Some(tracefs.path().to_owned());
    let errors = rewrite(&request, input(text, &[])).expect_err("no such event");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].message, "no tracepoint sched:sched_swich in this kernel");
    assert_eq!(errors[0].hint.as_deref(), Some("did you mean sched:sched_switch?"));
    let known = b"TRACEPOINT_PROBE(sched, sched_switch) { return 0; }\n";
    rewrite(&request, input(known, &[])).expect("a known event");
}

#[test]
fn a_header_that_includes_itself_is_an_error() {
    let messages = run(b"#include \"loop.h\"\n", &[("/user/loop.h", "#include \"loop.h\"\n")]);
    let messages = messages.expect_err("an error").join("\n");
    assert!(messages.contains("#include nested too deeply"), "{messages}");
}

#[test]
fn nul_bytes_and_unfinished_text_are_no_panic() {
    for text in [
        &b"int f(void *ctx) { return 0\0; }\n"[..],
        b"BPF_HASH(h); int f(void *ctx) { h.",
        b"BPF_HASH(h); int f(void *ctx) { h.lookup(",
        b"#define X h.\n#define",
        b"\"unterminated\n/* and so on",
        b"\\",
        b"",
        b"\xff\xfe\0\0",
    ] {
        drop(run(text, &[]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn tokens_are_in_order_and_inside_the_text(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        let lexed = Lexed::new(&text);
        let mut end = 0;
        for token in &lexed.code {
            prop_assert!(token.start >= end && token.end > token.start && token.end <= text.len());
            end = token.end;
        }
    }

    #[test]
    fn c_like_bytes_do_not_stop_the_tokenizer(text in r#"([a-z.#"'()\\/* \n\r,{}>-]|#define |->|##){0,200}"#) {
        let lexed = Lexed::new(text.as_bytes());
        for define in &lexed.defines {
            for token in &define.body {
                prop_assert!(token.end <= text.len());
            }
        }
    }

    #[test]
    fn edits_keep_lines_and_what_they_do_not_touch(
        text in "[a-z \n]{0,80}",
        edits in proptest::collection::vec((0usize..80, 0usize..4, "[A-Z]{0,5}"), 0..8),
    ) {
        let mut set = EditSet::default();
        for (start, len, with) in &edits {
            set.replace(*start..start + len, with.as_str());
        }
        if let Ok((out, _)) = set.apply(text.as_bytes()) {
            let count = |t: &[u8]| t.iter().filter(|c| **c == b'\n').count();
            prop_assert_eq!(count(&out), count(text.as_bytes()));
            let untouched = out.iter().filter(|c| !c.is_ascii_uppercase()).count();
            prop_assert!(untouched <= text.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_gives_a_result_or_messages_with_places(
        body in r#"((h\.(lookup|update|increment|lokup)\(|&k|, |k|\)|;|\{|\}|if |\n|"a"|INC|#|\.){1,40})"#,
    ) {
        let text = format!("BPF_HASH(h, u32);\n#define INC(m) m.increment(k)\nint f(void *ctx) {{ u32 k = 0;\n{body}\nreturn 0; }}\n");
        if let Err(messages) = rewrite(&request(text.as_bytes()), input(text.as_bytes(), &[])) {
            prop_assert!(messages.iter().any(|m| m.severity == Severity::Error));
            prop_assert!(messages.iter().all(|m| m.line > 0));
        }
    }
}
