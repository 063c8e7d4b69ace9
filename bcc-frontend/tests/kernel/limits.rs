//! Texts that BPF cannot express end in diagnostics, or compile to something the kernel takes.

use crate::support::{Case, compile, load};
use bcc_core::spec::Diagnostic;
use bcc_frontend::facts::ContextKind::Other;

fn result(text: &str) -> Result<bcc_core::spec::ModuleSpec, Vec<Diagnostic>> {
    compile(&Case { text, programs: &[("raw", Other)], ..Case::default() })
}

fn error(text: &str) -> String {
    let errors = result(text).expect_err("this must not compile");
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

fn value(text: &str, args: &[u64]) -> u32 {
    load(&Case { text, programs: &[("raw", Other)], ..Case::default() }).run("raw", args)
}

macro_rules! fails {
    ($($name:ident: $text:expr => $part:expr;)*) => {
        $(#[test] fn $name() { let e = error($text); assert!(e.contains($part), "{e}"); })*
    };
}

fails! {
    floats: "int raw(u64 *ctx) { double d = ctx[0]; return d * 1.5; }" => "floating-point";
    float_params: "float f(float x) { return x; } int raw(u64 *ctx) { return f(ctx[0]); }" => "error";
    wide_division: "int raw(u64 *ctx) { unsigned __int128 a = ctx[0]; a <<= 70; return a / (ctx[1] | 1); }" => "128-bit";
    dynamic_alloca: "int raw(u64 *ctx) { char b[ctx[0]]; bpf_get_current_comm(b, 16); return b[1]; }" => "error";
    bad_assembly: "int raw(u64 *ctx) { asm volatile(\"nonsense r1\"); return 0; }" => "error";
    thread_local: "static __thread int x; int raw(u64 *ctx) { return x++; }" => "error";
    many_arguments: "static __attribute__((noinline)) int f(int a, int b, int c, int d, int e, int g) { return a+b+c+d+e+g; } int raw(u64 *ctx) { return f(ctx[0], ctx[1], ctx[2], ctx[3], ctx[4], ctx[5]); }" => "error";
    struct_by_value: "struct big { u64 a[4]; }; static __attribute__((noinline)) u64 f(struct big b, u64 i) { return b.a[i & 3]; } int raw(u64 *ctx) { struct big b = {{ctx[0], 1, 2, 3}}; return f(b, ctx[1]); }" => "error";
    indirect_call: "int raw(u64 *ctx) { int (*f)(int) = (void *)ctx[0]; return f(1); }" => "error";
    extern_variable: "extern int x; int raw(u64 *ctx) { return x; }" => "error";
    table_read: "MAP(\"hash\", u64, u64, counts, 4); int raw(u64 *ctx) { return counts.max_entries + counts.key; }" => "error";
    small_atomics: "static u8 x; int raw(u64 *ctx) { return __sync_fetch_and_add(&x, 1); }" => "error";
    frame_address: "int raw(u64 *ctx) { return (u64)__builtin_return_address(0); }" => "error";
    no_source: "#include \"nothing.h\"\nint raw(u64 *ctx) { return 0; }" => "nothing.h";
    trap: "int raw(u64 *ctx) { if (ctx[0]) __builtin_trap(); return 0; }" => "error";
    long_jumps: "void cleanup(int *p) { *p = 0; } int raw(u64 *ctx) { __builtin_longjmp((void *)ctx, 1); }" => "error";
    float_conversions: "static __attribute__((constructor)) void f(void) {} __attribute__((weak)) int x; int raw(u64 *ctx) { return x + 1.0f; }" => "error";
    variable_arguments: "int raw(u64 *ctx) { __builtin_va_list l; return __builtin_va_arg(l, int); }" => "error";
    vectors: "typedef int v4 __attribute__((vector_size(16))); int raw(u64 *ctx) { v4 v = {ctx[0], 1, 2, 3}; v = v / (v + 1); return v[ctx[1] & 3]; }" => "error";
    same_names: "int raw(u64 *ctx) { return 0; }\nint raw(u64 *ctx) { return 1; }" => "redefinition";
    huge_stack: "int raw(u64 *ctx) { char b[1ULL << 33]; bpf_get_current_comm(b, 16); return b[ctx[0]]; }" => "error";
}

#[test]
fn constant_tables_of_pointers_are_followed() {
    let goto = "int raw(u64 *ctx) { static void *l[] = {&&a, &&b}; goto *l[ctx[0] & 1]; a: return 1; b: return 2; }";
    assert_eq!([value(goto, &[0]), value(goto, &[1])], [1, 2]);
    let stored = "static int a = 5, b = 7; static int *p[2] = {&a, &b}; int raw(u64 *ctx) { return *p[ctx[0] & 1]; }";
    assert_eq!([value(stored, &[0]), value(stored, &[1])], [5, 7]);
}

#[test]
fn too_large_a_stack_is_said_once() {
    let text = "int raw(u64 *ctx) { char b[600] = {}; bpf_get_current_comm(b, 16); b[17] = 1; \
                for (int i = 0; i < 10; i++) b[i * 50 + ctx[0]] += i; return b[ctx[1]] + b[ctx[2]]; }";
    let errors = result(text).expect_err("600 bytes do not fit");
    let messages: Vec<&str> = errors.iter().map(|e| e.message.as_str()).collect();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].contains("512 bytes"), "{messages:?}");
}

#[test]
fn recursion_compiles() {
    let text = "static int f(u64 n) { return n < 2 ? 1 : n * f(n - 1) + f(n - 2); } int raw(u64 *ctx) { return f(ctx[0]); }";
    result(text).unwrap();
    let mutual = "static int g(u64 n); static int f(u64 n) { return n ? g(n - 1) + g(n - 2) : 1; } static int g(u64 n) { return n ? f(n - 1) * f(n - 3) : 2; } int raw(u64 *ctx) { return f(ctx[0]); }";
    result(mutual).unwrap();
}

#[test]
fn doubling_calls_do_not_double_the_work() {
    let mut text = String::from("static u64 f0(u64 *c, u64 x) { return c[0] ^ x; }\n");
    for i in 1..40 {
        text += &format!(
            "static u64 f{i}(u64 *c, u64 x) {{ return f{0}(c, x) * f{0}(c, x + 1); }}\n",
            i - 1
        );
    }
    text += "int raw(u64 *ctx) { return f39(ctx, 1); }";
    let _either = result(&text);
}

#[test]
fn big_endian_machines() {
    let text = "MAP(\"hash\", u64, u64, counts, 77); int raw(struct pt_regs *ctx, u64 a, char *p) { u64 k = a; bpf_map_update_elem(&counts, &k, &k, 0); return *p; }";
    let maps = &[("counts", "hash", 1, 8, 8)];
    let case = Case { text, programs: &[("raw", Other)], maps, arch: "s390x", ..Case::default() };
    let module = compile(&case).unwrap();
    assert_eq!(module.maps[0].max_entries, 77);
    assert_eq!(module.programs[0].relocations.len(), 1);
    let calls: Vec<&[u8]> = module.programs[0].insns.chunks(8).filter(|i| i[0] == 0x85).collect();
    assert!(calls.iter().any(|call| call[4..] == [0, 0, 0, 113]), "{calls:?}");
}

#[test]
fn unused_and_weak_things_are_no_trouble() {
    let text = "__attribute__((weak)) int twice(int x) { return 2 * x; }\n\
                static int unused(double d) { return d; }\n\
                int nobody(float f);\n\
                int raw(u64 *ctx) { return twice(ctx[0]); }";
    assert_eq!(value(text, &[21]), 42);
}
