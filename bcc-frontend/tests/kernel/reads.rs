//! Reads through kernel pointers give what the kernel holds.

use crate::layout::declarations;
use crate::support::{Case, Loaded, compile, load, thread_id};
use bcc_core::spec::{Diagnostic, Stage};
use bcc_frontend::facts::ContextKind::{Btf, Other, PtRegs, RawTracepoint};
use bcc_sys::bpf::ProgType;
use std::process::id as process_id;

const CURRENT: &str = "#define CURRENT ((struct task_struct *)bpf_get_current_task())\n";
const MAPS: &[(&str, &str, u32, u32, u32)] = &[("saved", "hash", 1, 8, 8)];

fn with_types(text: &str) -> String {
    // One line, so that the line numbers of `text` are easy to tell.
    format!("{} {CURRENT}{text}", declarations().replace('\n', " ") + "\n")
}

/// Lines that `with_types` puts in front.
const BEFORE: u32 = 2;

fn raw(text: &str) -> Loaded {
    let text = with_types(text);
    load(&Case { text: &text, programs: &[("raw", RawTracepoint)], ..Case::default() })
}

/// Runs the body of a raw tracepoint program with one argument.
fn value_of(body: &str) -> u32 {
    raw(&format!("int raw(struct bpf_raw_tracepoint_args *ctx) {{ {body} }}")).run("raw", &[])
}

fn parent_id() -> u32 {
    std::os::unix::process::parent_id()
}

fn thread() -> u32 {
    u32::try_from(thread_id()).unwrap()
}

#[test]
fn a_member_of_the_current_task() {
    assert_eq!(
        value_of("struct task_struct *t = (void *)bpf_get_current_task(); return t->pid;"),
        thread()
    );
}

#[test]
fn a_chain_of_pointers() {
    assert_eq!(value_of("return CURRENT->group_leader->real_parent->tgid;"), parent_id());
}

#[test]
fn a_context_member_is_a_kernel_pointer() {
    let module = raw("int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         struct mm_struct *mm = (struct mm_struct *)ctx->args[1];\n\
         return mm->arg_start; }");
    // The helper gives 0 for an address that is not there.
    assert_eq!(module.run("raw", &[0, 64]), 0);
}

#[test]
fn through_inlines_and_macros() {
    let module = raw("#define PID_OF(x) ((x)->pid)\n\
         static struct task_struct *leader(struct task_struct *t) { return t->group_leader; }\n\
         static inline int pid(struct task_struct *t) { return PID_OF(leader(t)); }\n\
         int raw(struct bpf_raw_tracepoint_args *ctx) { return pid(CURRENT); }");
    assert_eq!(module.run("raw", &[]), process_id());
}

#[test]
fn through_a_map() {
    let text = with_types(
        "MAP(\"hash\", u64, struct task_struct *, saved, 8);\n\
         int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         u64 key = 3; struct task_struct *t = CURRENT;\n\
         bpf_map_update_elem(&saved, &key, &t, 0);\n\
         struct task_struct **found = bpf_map_lookup_elem(&saved, &key);\n\
         if (!found) return -1;\n\
         return (*found)->tgid; }",
    );
    let module = load(&Case {
        text: &text,
        programs: &[("raw", RawTracepoint)],
        maps: MAPS,
        ..Case::default()
    });
    assert_eq!(module.run("raw", &[]), process_id());
}

#[test]
fn from_an_array_of_pointers() {
    let module = raw("int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         struct task_struct *all[4] = { CURRENT, CURRENT->group_leader, CURRENT->real_parent, 0 };\n\
         u32 i = ctx->args[0] & 3; asm volatile(\"\" : : \"r\"(&all) : \"memory\");\n\
         return all[i]->tgid; }");
    assert_eq!(module.run("raw", &[1]), process_id());
    assert_eq!(module.run("raw", &[2]), parent_id());
    assert_eq!(module.run("raw", &[3]), 0);
}

#[test]
fn from_members_of_structs() {
    let module = raw("struct pair { u64 n; struct task_struct *t; };\n\
         static void fill(struct pair *p) { p->n = 1; p->t = CURRENT; }\n\
         int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         struct pair one, two; fill(&one); two = one;\n\
         return two.t->tgid + two.n; }");
    assert_eq!(module.run("raw", &[]), process_id() + 1);
}

#[test]
fn through_branches_and_loops() {
    let module = raw("int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         struct task_struct *t = ctx->args[0] ? CURRENT->group_leader : CURRENT->real_parent;\n\
         u32 up = ctx->args[1];\n\
         for (int i = 0; i < 3; i++) { if (i >= up) break; t = t->real_parent; }\n\
         return t->tgid; }");
    assert_eq!(module.run("raw", &[1, 0]), process_id());
    assert_eq!(module.run("raw", &[0, 0]), parent_id());
    assert_eq!(module.run("raw", &[1, 1]), parent_id());
}

#[test]
fn through_integers() {
    assert_eq!(
        value_of(
            "u64 t = bpf_get_current_task(); struct task_struct *null = 0;\n\
             return *(int *)(t + (u64)&null->tgid);"
        ),
        process_id()
    );
    assert_eq!(
        value_of(
            "u64 t = bpf_get_current_task(); t |= 0; return ((struct task_struct *)(t & ~0ULL))->tgid;"
        ),
        process_id()
    );
}

#[test]
fn arrays_bit_fields_unions_and_volatile() {
    let letters = raw(
        "int raw(struct bpf_raw_tracepoint_args *ctx) { return CURRENT->comm[ctx->args[0] & 15]; }",
    );
    let name = std::fs::read("/proc/thread-self/comm").unwrap();
    assert_eq!(letters.run("raw", &[1]), u32::from(name[1]));
    let bits = value_of(
        "union parts { struct { u32 low : 5, high : 27; }; u32 all; };\n\
         union parts *p = (union parts *)&CURRENT->tgid;\n\
         return p->high * 32 + p->low == p->all ? p->high : -1;",
    );
    assert_eq!(bits, process_id() >> 5);
    assert_eq!(value_of("volatile struct task_struct *t = CURRENT; return t->tgid;"), process_id());
}

#[test]
fn a_struct_is_copied() {
    let name = std::fs::read("/proc/thread-self/comm").unwrap();
    let module = raw("struct name { char text[16]; };\n\
         int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         struct name copy = *(struct name *)CURRENT->comm;\n\
         return copy.text[ctx->args[0] & 15]; }");
    assert_eq!(module.run("raw", &[2]), u32::from(name[2]));
    let pointers = raw("struct words { struct task_struct *a[2]; };\n\
         int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         struct words copy = *(struct words *)&CURRENT->real_parent;\n\
         return copy.a[0]->tgid; }");
    assert_eq!(pointers.run("raw", &[]), parent_id());
}

#[test]
fn kernel_memory_is_compared() {
    let name = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
    let start = &name[..6];
    let same = format!("return __builtin_memcmp(CURRENT->comm, \"{start}\", 6) == 0;");
    assert_eq!(value_of(&same), 1);
    assert_eq!(value_of("return __builtin_memcmp(CURRENT->comm, \"nobody\", 6) == 0;"), 0);
}

#[test]
fn functions_that_are_not_inlined() {
    let module = raw(
        "static __attribute__((noinline)) int tgid(struct task_struct *t, int add) { return t->tgid + add; }\n\
         static __attribute__((noinline)) struct task_struct *parent(struct task_struct *t) { return t->real_parent; }\n\
         int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         if (ctx->args[0]) return tgid(CURRENT, 1);\n\
         return tgid(parent(CURRENT), 0); }",
    );
    assert_eq!(module.run("raw", &[1]), process_id() + 1);
    assert_eq!(module.run("raw", &[0]), parent_id());
}

#[test]
fn a_function_of_kernel_and_local_pointers() {
    let module = raw("static __attribute__((noinline)) int first(int *p) { return p[0]; }\n\
         int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         int here[2] = { ctx->args[0], 1 };\n\
         return first(here) + first(&CURRENT->tgid); }");
    assert_eq!(module.run("raw", &[1000]), process_id() + 1000);
}

#[test]
fn callbacks() {
    let module = raw("struct walk { struct task_struct *t; u64 sum; u64 *out; };\n\
         static long step(u32 i, struct walk *w) { w->sum += w->t->tgid; *w->out += 1; return 0; }\n\
         int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         u64 calls = 0;\n\
         struct walk w = { .t = CURRENT, .out = &calls };\n\
         bpf_loop(3, step, &w, 0);\n\
         return w.sum; }");
    assert_eq!(module.run("raw", &[]), process_id() * 3);
}

#[test]
fn tied_assembly_passes_pointers() {
    assert_eq!(
        value_of(
            "struct task_struct *t = CURRENT; asm volatile(\"\" : \"+r\"(t)); return t->tgid;"
        ),
        process_id()
    );
}

#[test]
fn forty_reads_fit_the_stack() {
    let mut body =
        String::from("u64 sum = 0; struct task_struct *t = CURRENT, *p = t->real_parent;\n");
    for i in 0..20 {
        body += &format!("sum += t->tgid * {i}; asm volatile(\"\" ::: \"memory\");\n");
        body += &format!("sum += p->tgid * {i}; asm volatile(\"\" ::: \"memory\");\n");
    }
    body += "return sum;";
    assert_eq!(value_of(&body), (process_id() + parent_id()) * 190);
}

#[test]
fn what_maps_hold_is_untrusted_in_typed_programs() {
    // Not loaded: the host refuses the program type. It must keep the loads of its own arguments.
    let text = with_types(
        "int raw(u64 *ctx) { struct task_struct *t = (void *)ctx[0]; return t->real_parent->tgid; }\n\
         int other(u64 *ctx) { return CURRENT->tgid; }",
    );
    let programs = &[("raw", Btf), ("other", Btf)];
    let module = compile(&Case { text: &text, programs, ..Case::default() }).unwrap();
    let calls = |name: &str| {
        let insns = &module.program(name).unwrap().insns;
        insns.chunks(8).filter(|insn| insn[0] == 0x85).count()
    };
    assert_eq!((calls("raw"), calls("other")), (0, 2));
}

fn errors(text: &str) -> Vec<Diagnostic> {
    let text = with_types(text);
    let programs = &[("raw", RawTracepoint)];
    compile(&Case { text: &text, programs, ..Case::default() }).unwrap_err()
}

#[test]
fn a_write_through_a_kernel_pointer_is_an_error_with_its_line() {
    let errors = errors(
        "int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         struct task_struct *t = CURRENT;\n\
         t->pid = 3;\n\
         return 0; }",
    );
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!((errors[0].stage, errors[0].line, errors[0].column), (Stage::Lower, BEFORE + 3, 8));
    assert_eq!(errors[0].source_line.as_deref(), Some("t->pid = 3;"));
}

#[test]
fn context_and_kernel_pointer_in_one_are_an_error() {
    let errors = errors(
        "int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         u64 *p = ctx->args[0] ? (u64 *)ctx : (u64 *)CURRENT;\n\
         asm volatile(\"\" : \"+r\"(p));\n\
         return p[1]; }",
    );
    assert_eq!((errors[0].stage, errors[0].line), (Stage::Lower, BEFORE + 4), "{errors:?}");
}

#[test]
fn parameters_are_registers() {
    let text = with_types(
        "int raw(struct pt_regs *ctx, int a, u64 unused, struct task_struct *t, u8 small) {\n\
         return t ? t->tgid : a + small; }",
    );
    // arm64's first registers lie within what a raw tracepoint's context may hold.
    let module = load(&Case {
        text: &text,
        programs: &[("raw", PtRegs)],
        arch: "aarch64",
        ..Case::default()
    });
    assert_eq!(module.run("raw", &[5, 6, 0, 0x107]), 12);
    assert_eq!(module.run("raw", &[5, 6, 64, 0x107]), 0);
    let x86 = load(&Case { text: &text, programs: &[("raw", PtRegs)], ..Case::default() });
    x86.program("raw", ProgType::KPROBE).unwrap();
}

#[test]
fn parameters_of_a_void_context_are_registers_too() {
    let text = "int raw(void *ctx, int a) { return a; }";
    let module =
        load(&Case { text, programs: &[("raw", Other)], arch: "arm64", ..Case::default() });
    assert_eq!(module.run("raw", &[77]), 77);
}

#[test]
fn parameters_of_system_calls_are_one_structure_further() {
    let text = "int raw(struct pt_regs *ctx, int a, int b) { return a + b; }";
    let case = Case {
        text,
        programs: &[("raw", PtRegs)],
        arch: "arm64",
        syscall: true,
        ..Case::default()
    };
    // No memory at 64: the reads give 0.
    assert_eq!(load(&case).run("raw", &[64, 7]), 0);
    let direct = Case { arch: "loongarch64", ..case };
    assert_eq!(load(&direct).run("raw", &[0, 0, 0, 0, 40, 2]), 42);
}

#[test]
fn a_program_with_parameters_can_be_called_too() {
    let text = "int raw(struct pt_regs *ctx, int a) { return a; }\n\
                __attribute__((noinline)) int kept(struct pt_regs *ctx, int a) { return a * 2; }\n\
                int other(struct pt_regs *ctx) { return raw(ctx, 30) + kept(ctx, 6); }";
    let programs = &[("raw", PtRegs), ("kept", PtRegs), ("other", PtRegs)];
    let module = load(&Case { text, programs, arch: "arm64", ..Case::default() });
    assert_eq!(module.run("other", &[]), 42);
    assert_eq!(module.run("raw", &[9]), 9);
    assert_eq!(module.run("kept", &[9]), 18);
}

#[test]
fn too_many_parameters_are_an_error() {
    let text = "int raw(struct pt_regs *ctx, int a, int b, int c, int d, int e, int f, int g) { return g; }";
    let errors =
        compile(&Case { text, programs: &[("raw", PtRegs)], ..Case::default() }).unwrap_err();
    assert_eq!(errors[0].message, "too many arguments, bcc only supports in-register parameters");
    assert_eq!(errors[0].line, 1);
}

#[test]
fn context_members_by_condition_and_by_index() {
    let module = raw("int raw(struct bpf_raw_tracepoint_args *ctx) {\n\
         u64 x; if (ctx->args[0] == 1) x = ctx->args[1]; else if (ctx->args[0] == 2) x = ctx->args[2];\n\
         else x = ctx->args[ctx->args[0] & 7];\n\
         return x; }");
    assert_eq!(module.run("raw", &[1, 10, 20, 30]), 10);
    assert_eq!(module.run("raw", &[2, 10, 20, 30]), 20);
    assert_eq!(module.run("raw", &[3, 10, 20, 30]), 30);
}
