//! From plain C to programs and maps that the kernel takes.

use crate::support::{Case, MAIN, compile, load, thread_id};
use bcc_frontend::facts::ContextKind::{Other, PtRegs, RawTracepoint};
use bcc_sys::bpf::ProgType;

const HELLO: &str = r#"
MAP("hash", u64, u64, counts, 4 * 256);
int kprobe__hello(struct pt_regs *ctx) {
  u64 key = 1, one = 7;
  u64 *seen = bpf_map_lookup_elem(&counts, &key);
  if (seen) { *seen += 1; return 0; }
  bpf_map_update_elem(&counts, &key, &one, 0);
  return 0;
}
int raw(struct bpf_raw_tracepoint_args *ctx) {
  return kprobe__hello((void *)ctx);
}
"#;

#[test]
fn hello_counts_in_its_hash() {
    let case = Case {
        text: HELLO,
        programs: &[("kprobe__hello", PtRegs), ("raw", RawTracepoint)],
        maps: &[("counts", "hash", 1, 8, 8)],
        ..Case::default()
    };
    let module = load(&case);
    let map = module.spec.map("counts").unwrap();
    assert_eq!((map.max_entries, map.flags), (1024, 0));
    assert!(map.btf_key_id != 0 && map.btf_value_id != 0);
    assert_eq!(module.spec.license, "GPL");
    module.program("kprobe__hello", ProgType::KPROBE).unwrap();
    assert_eq!(module.run("raw", &[]), 0);
    assert_eq!(module.value("counts", 1), Some(7));
    module.run("raw", &[]);
    assert_eq!(module.value("counts", 1), Some(8));
}

#[test]
fn the_same_text_gives_the_same_module() {
    let case = Case {
        text: HELLO,
        programs: &[("kprobe__hello", PtRegs), ("raw", RawTracepoint)],
        maps: &[("counts", "hash", 1, 8, 8)],
        ..Case::default()
    };
    assert_eq!(compile(&case).unwrap(), compile(&case).unwrap());
}

#[test]
fn globals_literals_and_functions_work() {
    let text = r#"
static u64 calls;
u32 start = 40;
static const volatile u32 step = 2;
static const char *const names[1] = { 0 };
static __attribute__((noinline)) int twice(int x) { calls++; return x * 2; }
int helper(int x) { return x + (int)step; }
static long each(u32 i, u64 *sum) { *sum += i; return 0; }
int sum(void *ctx) {
  u64 total = 0;
  bpf_loop(5, each, &total, 0);
  return total;
}
int raw(void *ctx) {
  start = start + step;
  return twice(helper(start)) + (int)calls;
}
int letters(void *ctx) {
  const char *word = "hello";
  volatile u64 i = bpf_get_current_pid_tgid() & 3;
  return word[i & 3];
}
"#;
    let programs = &[("helper", Other), ("sum", Other), ("raw", Other), ("letters", Other)];
    let module = load(&Case { text, programs, ..Case::default() });
    assert_eq!(module.run("sum", &[]), 10);
    assert_eq!(module.run("raw", &[]), 89);
    assert_eq!(module.run("raw", &[]), 94);
    let letter = module.run("letters", &[]);
    assert_eq!(letter, u32::from(b"hello"[thread_id() & 3]));
}

#[test]
fn atomics_that_return_a_value_work() {
    let text = r#"
static u64 n;
int raw(void *ctx) { return __sync_fetch_and_add(&n, 5) + __sync_val_compare_and_swap(&n, 5, 9); }
int after(void *ctx) { return n; }
"#;
    let module =
        load(&Case { text, programs: &[("raw", Other), ("after", Other)], ..Case::default() });
    assert_eq!(module.run("raw", &[]), 5);
    assert_eq!(module.run("after", &[]), 9);
}

#[test]
fn adding_nothing_needs_no_newer_instructions() {
    let text = "static u64 n;\n\
                static void add(u64 *to, u64 by) { __sync_fetch_and_add(to, by); }\n\
                int raw(u64 *ctx) { add(&n, 0); add(&n, ctx[0]); return n; }";
    let programs = &[("raw", Other)];
    let spec = compile(&Case { text, programs, ..Case::default() }).unwrap();
    let operations: Vec<&[u8]> =
        spec.programs[0].insns.chunks(8).filter(|insn| insn[0] == 0xdb).collect();
    // BPF_STX | BPF_ATOMIC | BPF_DW, and in the last four bytes BPF_ADD, which is 0.
    assert_eq!(operations.len(), 1);
    assert_eq!(operations[0][4..], [0; 4]);
    assert_eq!(load(&Case { text, programs, ..Case::default() }).run("raw", &[5]), 5);
}

#[test]
fn the_verifier_speaks_of_the_users_lines() {
    let text = "int raw(u64 *ctx) {\n  return *(int *)(ctx[0] + 3); // the guilty line\n}\n";
    let module = load(&Case { text, programs: &[("raw", Other)], ..Case::default() });
    let log = module.program("raw", ProgType::RAW_TRACEPOINT).unwrap_err();
    assert!(log.contains("// the guilty line"), "{log}");
}

fn errors(text: &str) -> Vec<bcc_core::spec::Diagnostic> {
    compile(&Case { text, programs: &[("raw", Other)], ..Case::default() }).unwrap_err()
}

#[test]
fn a_stack_too_large_is_a_diagnostic() {
    let text = "int raw(void *ctx) {\n  char b[600];\n  bpf_get_current_comm(b, 600);\n  return b[17];\n}\n";
    let errors = errors(text);
    assert!(errors[0].message.contains("512 bytes"), "{errors:?}");
    assert!(errors[0].hint.is_some());
    assert_eq!((errors.len(), errors[0].file.as_str()), (1, MAIN), "{errors:?}");
}

#[test]
fn what_the_backend_cannot_do_is_a_diagnostic() {
    let divided = errors("int raw(u64 *ctx) { int a = ctx[0], b = ctx[1]; return a / b; }\n");
    assert!(divided[0].message.contains("signed division"), "{divided:?}");
    let undefined = errors("int f(int);\nint raw(u64 *ctx) {\n  return f(1);\n}\n");
    assert!(undefined[0].message.contains("`f`"), "{undefined:?}");
    assert_eq!((undefined[0].line, undefined[0].column), (3, 10));
    let syntax = errors("int raw(u64 *ctx) {\n  return x;\n}\n");
    assert_eq!((syntax[0].line, syntax[0].column), (2, 10));
    assert_eq!(syntax[0].source_line.as_deref(), Some("  return x;"));
    assert_eq!(syntax[0].message, "use of undeclared identifier 'x'");
}
