"""§23 diagnostics, and what is said of programs that the kernel refuses."""

from __future__ import annotations

from harness import T, row

PLAIN = "only %d %u %x %ld %lu %lx %lld %llu %llx %p %s conversion specifiers allowed"
POINTER = "only %d %u %x %ld %lu %lx %lld %llu %llx %p %pS %s conversion specifiers allowed"


def warned(t: T, text: str, place: str) -> None:
    """The program compiles, with this warning in clang's layout at this place."""
    t.load()
    output = t.output()
    t.says(output, f"/virtual/main.c:{place}: warning: {text}\n", "^")


WARNINGS = [
    ("a specifier that is not allowed", "printk_specifier", PLAIN, "3:"),
    ("a bad %p suffix", "printk_pointer", POINTER, "3:"),
    ("several %s", "printk_strings", "cannot use several %s conversion specifiers", "5:"),
    ("four specifiers", "printk_many", "cannot use more than 3 conversion specifiers", "3:"),
    ("a character that is not printable", "printk_character", "unrecognized character", "3:"),
    (
        "insert() on an array",
        "array_insert",
        "all element of an array already exist; insert() will have no effect",
        "8:",
    ),
]


def warning(t: T, text: str, line: str) -> None:
    t.load()
    output = t.output()
    t.says(output, f"/virtual/main.c:{line}", f": warning: {text}", "^")


for _title, _file, _text, _line in WARNINGS:
    row(f"§23 warning: {_title}", f"diagnostics/{_file}.c", f"message:{_text}")(
        lambda t, text=_text, line=_line: warning(t, text, line)
    )

ERRORS = [
    ("an unknown kind of table", "kind", "unsupported map type: maps/no_such_kind", "1:"),
    ("an incomplete key", "incomplete_key", "struct nowhere", "2:"),
    ("an empty leaf", "empty_leaf", "invalid zero-sized leaf", "2:"),
    ("a histogram's leaf", "histogram_leaf", "histogram leaf type must be u64, got", "1:"),
    ("get_stackid", "stackid", "get_stackid only available on stacktrace maps", "6:"),
    ("a table that is no struct", "scalar", "invalid type for bpf_table, expect struct", "1:"),
    ("a method a macro takes apart", "torn_method", "cannot use map function inside a macro", "7:"),
    ("syntax", "syntax", "expected ';' after return statement", "3:"),
    ("an undeclared name", "undeclared", "use of undeclared identifier 'no_such_name", "3:"),
    ("an absent header", "include", "'linux/no_such_header.h' file not found", "1:"),
]


def error(t: T, text: str, line: str) -> None:
    message = t.fails()
    t.says(message, f"/virtual/main.c:{line}", f"{text}", "error: ", "^", "Failed to compile BPF")


for _title, _file, _text, _line in ERRORS:
    row(f"§23 error: {_title}", f"diagnostics/{_file}.c", f"message:{_text}")(
        lambda t, text=_text, line=_line: error(t, text, line)
    )


@row("§23 an extern table that nobody has", "diagnostics/extern_absent.c", "kind:extern")
def extern_absent(t: T) -> None:
    t.says(t.fails(), "nobody_has_this is extern, and no module has published it")


@row("§23 an unknown field and the nearest one", "diagnostics/field.c", "diag:hints")
def field(t: T) -> None:
    message = t.fails()
    t.says(message, "main.c:7:15: error: no member named 'tgidd' in 'struct task_struct'", "hint:")
    t.says(message[message.index("hint:") :], "tgid")


HINTS = [
    ("a renamed member", b"#include <linux/sched.h>\nint f(struct pt_regs *ctx, struct task_struct *t)"
     b" { return t->state; }", "no member named 'state'", "since v5.14 it is `__state`"),
    ("a renamed macro", b"int f(void *ctx) { return REQ_OP_SHIFT; }",
     "use of undeclared identifier 'REQ_OP_SHIFT'", "the operation is `cmd_flags & REQ_OP_MASK`"),
    ("a member whose header is not included", b"int f(struct pt_regs *ctx, struct sock *sk)"
     b" { return sk->sk_state; }", "no member named 'sk_state'", "`sk_state` is in <net/sock.h>"),
    ("a struct whose header is not included", b"int f(void *ctx) { struct ip_t *ip = 0; return ip->tos; }",
     "incomplete definition of type 'struct ip_t'", "`ip_t` is in <bcc/proto.h>"),
    ("a macro that is nearly one", b"int f(void *ctx) { return BPF_F_CURENT_CPU; }",
     "use of undeclared identifier 'BPF_F_CURENT_CPU'", "did you mean 'BPF_F_CURRENT_CPU'?"),
    ("a table macro that is nearly one", b"BPF_HSAH(h);\nint f(void *ctx) { return 0; }",
     "type specifier missing", "did you mean 'BPF_HASH'?"),
    ("a helper that is nearly one", b"int f(void *ctx) { return bpf_ktime_get_nss(); }",
     "call to undeclared function 'bpf_ktime_get_nss'", "did you mean 'bpf_ktime_get_ns'?"),
    ("a function of the C library", b"int f(void *ctx) { printf(\"hello\"); return 0; }",
     "call to undeclared library function 'printf'", "prints with bpf_trace_printk()"),
    ("a field that a tracepoint does not have",
     b"TRACEPOINT_PROBE(sched, sched_process_exit) { return args->no_such_field; }",
     "no member named 'no_such_field'", "this tracepoint has the fields comm"),
]  # fmt: skip


def hinted(t: T, text: bytes, error: str, hint: str) -> None:
    message = t.fails(text)
    t.says(message, "/virtual/main.c:", f"error: {error}", "^")
    t.says(message[message.index(error) :], "hint: ", hint)


for _title, _program, _error, _hint in HINTS:
    row(f"§23 hint: {_title}", "", "diag:hints")(
        lambda t, text=_program, error=_error, hint=_hint: hinted(t, text, error, hint)
    )


@row("§23 hint: a string that a Python newline ends", "", "diag:hints")
def broken_string(t: T) -> None:
    message = t.fails(b'int f(void *ctx) {\n bpf_trace_printk("hello\n");\n return 0;\n}')
    t.says(message, "main.c:2:19: warning: missing terminating", "hint: a string ends on its own line")


@row("§23 a name that is like a word of C", "", "diag:hints")
def like_a_word(t: T) -> None:
    message = t.fails(b"int f(void *ctx) { int fooz = 1; return fooo + fooz; }")
    errors = [line for line in message.splitlines() if ": error: " in line]
    t.equal(len(set(errors)), 1, "errors")
    t.says(message, "main.c:1:41: error: use of undeclared identifier 'fooo'", "hint: did you mean 'fooz'?")


@row("§23 types of arguments are named as the user did", "", "none")
def argument_types(t: T) -> None:
    message = t.fails(b"BPF_HASH(h, u32);\nint f(void *ctx) {\n u32 k = 1;\n return !h.lookup(k);\n}")
    t.says(message, "main.c:4:19: error: incompatible integer to pointer conversion")
    t.true("typeof" not in message, "the table macro's own words")


REFUSED = [
    ("a packet that may be shorter", b"int prog(struct xdp_md *ctx)\n{\n"
     b" u8 *data = (void *)(long)ctx->data;\n return data[9];\n}",
     "XDP", "main.c:4", "compare with data_end"),
    ("an index without a bound", b"int prog(struct pt_regs *ctx, u32 at)\n{\n"
     b" volatile char b[16] = {};\n b[at] = 1;\n return b[3];\n}",
     "KPROBE", "main.c:4", "compare it with the size, or mask it"),
    ("a number where a pointer belongs", b"BPF_PERF_OUTPUT(e);\nint prog(struct pt_regs *ctx)\n{\n"
     b" u64 x = 1;\n e.perf_submit(ctx, (void *)x, 8);\n return 0;\n}",
     "KPROBE", "main.c:5", "pass the address of a variable"),
    ("a length that may be negative", b"int prog(struct pt_regs *ctx, char *p, int n)\n{\n"
     b" char b[16] = {};\n bpf_probe_read_user(b, n, p);\n return b[0];\n}",
     "KPROBE", "main.c:4", "make it unsigned"),
    ("a context that is not for such programs", b"int prog(struct __sk_buff *skb)\n{\n"
     b" return skb->data_meta;\n}", "SOCKET_FILTER", "main.c:3", "this part of its context"),
]  # fmt: skip


def refused(t: T, text: bytes, kind: str, place: str, hint: str) -> None:
    from bcc import BPF

    b = t.load(text=text)
    try:
        b.load_func(b"prog", getattr(BPF, kind))
    except Exception as why:
        t.says(str(why), f"{place}: program prog was rejected", "hint: ", hint)
        return
    raise AssertionError("the kernel took it")


for _title, _program, _kind, _place, _hint in REFUSED:
    row(f"§23 hint: {_title}", "", "log:hints")(
        lambda t, text=_program, kind=_kind, place=_place, hint=_hint: refused(
            t, text, kind, place, hint
        )
    )


@row("§23 BPF_LICENSE through cflags", "diagnostics/license_flag.c",
     "message:BPF_LICENSE cannot be specified")
def license_flag(t: T) -> None:
    message = t.fails(cflags=["-DBPF_LICENSE=GPL"])
    t.says(message, "BPF_LICENSE cannot be specified through cflags")


@row("§23 BPF_LICENSE in the text", "diagnostics/license.c", "define:BCC_LICENSE_TEXT")
def license_text(t: T) -> None:
    from bcc import lib

    b = t.load()
    t.equal(lib.bpf_module_license(b.module), b"Dual BSD/GPL", "license")
    t.equal(t.raw(b, "prog"), 0)


@row("§23 the stack's limit", "diagnostics/stack.c", "emit:stack")
def stack(t: T) -> None:
    message = t.fails()
    t.says(message, "main.c:", "prog", "more than the 512 bytes of a BPF program's stack", "hint:")


@row("§23 the verifier's no, at the user's line", "diagnostics/verifier.c", "log:place")
def verifier(t: T) -> None:
    b = t.load()
    try:
        t.raw(b, "prog")
    except Exception as why:
        # One paragraph: the user's line, the kernel's last words, what helps. The rest is in the log.
        lines = str(why).splitlines()
        t.equal(lines[0], "Failed to load BPF program prog: Permission denied")
        # Kernels before 6.9 do not say it; then the program's line info does, with the whole name.
        t.equal(lines[1].removeprefix("/virtual/"), "main.c:8: program prog was rejected: Permission denied")
        t.says(str(why), "return *v;", "R0 invalid mem access", "lines omitted)", "hint: the result of")
        t.true(len(lines) < 12 and all(lines), f"{len(lines)} lines, or a blank one")
        t.true("main.c:3" not in str(why), "the whole log is in the message")
        t.says(why.log, "R1", "u64 *v = h.lookup(&key);", "R0 invalid mem access")
        return
    raise AssertionError("the kernel took it")


@row("§23 errors in the user's headers", "diagnostics/in_header.c",
     "message:use of undeclared identifier")
def in_header(t: T) -> None:
    t.says(t.fails(), "diagnostics/in_header.h:3:13: error: use of undeclared identifier")


@row("§23 everything is said once", "diagnostics/redefinition.c", "message:redefinition of 'h'")
def redefinition(t: T) -> None:
    errors = [line for line in t.fails().splitlines() if ": error: " in line]
    # What the exception says is also printed.
    want = [f"/virtual/main.c:{place}: error: redefinition of '{name}'"
            for place, name in (("2:12", "f"), ("4:8", "twice"), ("6:10", "h"))]  # fmt: skip
    t.equal(sorted(errors), sorted(2 * want), "errors")


@row("§23 columns behind rewritten calls", "diagnostics/column.c", "rewrite:columns")
def column(t: T) -> None:
    t.says(t.fails(), "main.c:9:56: error: cannot write through a kernel pointer")
