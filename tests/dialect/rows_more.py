"""More than upstream accepts, and input that nobody should write."""

from __future__ import annotations

import ctypes as ct
import os
import tempfile
from pathlib import Path

from harness import T, row

ONE, TWO = ct.c_uint(1), ct.c_uint(2)


@row("more: methods in macros", "more/method_in_macro.c", "rewrite:macros")
def method_in_macro(t: T) -> None:
    b = t.load()
    t.equal(t.raw(b, "prog"), 21)
    t.equal((b[b"h"][ONE].value, b[b"other"][TWO].value), (1, 21))


@row("more: receivers made by ##", "more/pasted_receiver.c", "rewrite:macros")
def pasted_receiver(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    t.equal((b[b"seen_read"][ONE].value, b[b"seen_write"][TWO].value), (1, 2))


@row("more: commas in braces as arguments", "more/braces.c", "define:bcc_update")
def braces(t: T) -> None:
    t.equal(t.raw(t.load(), "prog"), 34)


@row("more: methods in the user's headers", "more/user_header.c", "rewrite:headers")
def user_header(t: T) -> None:
    t.equal(t.raw(t.load(), "prog"), 9)


@row("more: methods in functions that macros define", "more/function_in_macro.c",
     "rewrite:macros")  # fmt: skip
def function_in_macro(t: T) -> None:
    b = t.load()
    t.equal([t.raw(b, n) for n in ("first", "first", "second")], [3, 6, 4])


@row("more: methods in the compiler's arguments", "more/flag_methods.c", "rewrite:macros")
def flag_methods(t: T) -> None:
    flags = ["-DBUMP(k)=h.increment(k)", "-D", "LOOK(table, k)=table.lookup(k)"]
    t.equal(t.raw(t.load(cflags=flags), "prog"), 2)


FRAME = bytes.fromhex("000000000001060708090a0b0800" "45001234123400014011beef0a0000010a000002") + bytes(
    40
)


@row("more: packet members in macros", "more/packet_in_macro.c", "rewrite:macros")
def packet_in_macro(t: T) -> None:
    result, data = t.packet(t.load(), "prog", FRAME)
    t.equal(result, 0, "the value that differs")
    t.equal((data[22], data[30:34]), (63, bytes([10, 0, 0, 8])), "time to live and destination")


@row("more: packet members changed in place", "more/packet_changes.c", "define:BCC_PKT_CHANGE")
def packet_changes(t: T) -> None:
    frame = bytearray(FRAME)
    frame[20:22] = bytes([0x21, 0x23])
    result, data = t.packet(t.load(), "prog", bytes(frame))
    t.equal(result, 0, "the value that differs")
    want = "0000000000fe060708090a0b0800" "46031234234021243c10beef140000020a000002"
    t.equal(data[:34].hex(), want, "packet")


@row("more: packet members assigned in chains", "more/packet_chain.c", "rewrite:packets")
def packet_chain(t: T) -> None:
    result, data = t.packet(t.load(), "prog", FRAME)
    t.equal(result, 501, "what the assignments give")
    want = "0000000000010000000000120800" "45092345234500010912beef0a0000020a000002"
    t.equal(data[:34].hex(), want, "packet")


@row("more: calls that a macro begins and the text ends", "more/split_by_macro.c", "rewrite:split")
def split_by_macro(t: T) -> None:
    b = t.load()
    t.equal(t.raw(b, "prog"), 13)
    t.equal((b[b"h"][ONE].value, b[b"other"][TWO].value), (13, 7))


@row("more: calls torn over two macros", "more/torn_in_macros.c", "rewrite:split")
def torn_in_macros(t: T) -> None:
    b = t.load()
    t.equal([t.raw(b, "prog", form) for form in range(12)], list(range(100, 112)), "what each finds")
    t.equal(b[b"h"][ONE].value, 111, "the last value written by a torn call")


TORN = [
    ("the brackets", b"#define ARGS (&one)", b"h.lookup ARGS"),
    ("the brackets of a macro's body", b"#define ARGS (&one)\n#define GET(t) t.lookup ARGS", b"GET(h)"),
    ("the method as an argument", b"#define GET(t) t.lookup\n#define CALL(m, k) m(k)", b"CALL(GET(h), &one)"),
    ("the method's name", b"#define NAME lookup\n#define GET(t, k) t.NAME(k)", b"GET(h, &one)"),
    ("a call of another macro's result", b"#define ID(x) x\n#define GET(t) t.lookup", b"ID(GET(h))(&one)"),
]  # fmt: skip


def torn_otherwise(t: T, macros: bytes, call: bytes) -> None:
    text = b"BPF_HASH(h, u32);\n%s\nint prog(void *ctx)\n{\n\tu32 one = 1;\n\tu64 *seen = %s;\n"
    line = 6 + macros.count(b"\n")
    message = t.fails(text % (macros, call) + b"\treturn seen ? *seen : 0;\n}\n")
    t.says(message, f"main.c:{line}:", "error: cannot use map function inside a macro", "^")


for _title, _macros, _call in TORN:
    row(f"more: refused with its line: {_title}", "", "message:cannot use map function inside a macro")(
        lambda t, macros=_macros, call=_call: torn_otherwise(t, macros, call)
    )


@row("more: USDT arguments in macros", "more/usdt_in_macro.c", "define:BCC_USDT_READARG")
def usdt_in_macro(t: T) -> None:
    from rows_builtins import usdt

    usdt(t)


@row("more: calls over several lines", "more/split_call.c", "define:bcc_update")
def split_call(t: T) -> None:
    t.equal(t.raw(t.load(), "prog"), 2)


@row("more: calls in comments and strings are text", "more/text.c", "define:bcc_increment")
def text(t: T) -> None:
    b = t.load()
    size = t.raw(b, "prog")
    t.equal(size, len('h.increment(2); " h.lookup(') + 1)
    t.equal([(k.value, v.value) for k, v in b[b"h"].items()], [(size, 1)])


@row("more: code that the preprocessor drops", "more/conditional.c", "define:bcc_increment")
def conditional(t: T) -> None:
    for flags, want in ({}, 1), ({"TWICE": 2}, 2):
        b = t.load(**flags)
        t.raw(b, "prog")
        t.equal(b[b"h"][ONE].value, want)


# ---------------------------------------------------------------------------------------------

PROG = b"int prog(struct bpf_raw_tracepoint_args *ctx) { %s }\n"


def survives(t: T, source: bytes, value: int | None = None, **more: object) -> str:
    """Compiles and gives this value, or is refused with a message: the process goes on."""
    try:
        b = t.load(text=source, **more)
        got = t.raw(b, "prog")
    except Exception as why:
        if value is not None:
            raise
        t.true(str(why).strip(), "refused without a message")
        return str(why)
    if value is not None:
        t.equal(got, value)
    return ""


def bad(name: str, source: object, value: int | None = None) -> None:
    """Registers a row of bad input; with a value, it must compile and return that."""

    def check(t: T) -> None:
        survives(t, source() if callable(source) else source, value)

    row(f"bad input: {name}", "", "none", "native")(check)


def nested_macros() -> bytes:
    lines = [b"#define M0(x) (x)"]
    lines += [b"#define M%d(x) M%d(x)" % (i, i - 1) for i in range(1, 1001)]
    return b"\n".join(lines) + b"\n" + PROG % b"return M1000(5);"


bad("macros nested 1,000 deep", nested_macros, 5)
bad("a text of 1 MB", lambda: b"/*" + b"x" * (1 << 20) + b"*/\n" + PROG % b"return 6;", 6)
bad("1 MB of declarations",
    lambda: b"\n".join(b"static int f%d(int x) { return x + %d; }" % (i, i) for i in range(22000))
    + b"\n" + PROG % b"return f7(1);", 8)  # fmt: skip
bad("NUL bytes", b"/* \0 */\0\0\n" + PROG % b"return 7;\0")
bad("CRLF line ends", (b"BPF_HASH(h);\n" + PROG % b"h.increment(1);\nreturn 8;").replace(
    b"\n", b"\r\n"), 8)  # fmt: skip
bad("UTF-8 in comments and strings",
    "/* größer ≥ */ ".encode() + PROG % 'char s[] = "ü"; return sizeof(s);'.encode(), 3)
bad("Latin-1 in comments and strings",
    "/* größer */ ".encode("latin-1") + PROG % 'char s[] = "ü"; return sizeof(s);'.encode("latin-1"),
    2)  # fmt: skip
bad("a byte order mark", b"\xef\xbb\xbf" + PROG % b"return 9;", 9)
bad("a struct of 5,000 fields",
    lambda: b"struct big {" + b"".join(b"u32 f%d;" % i for i in range(5000)) + b"};\n"
    + b"BPF_ARRAY(a, struct big, 1);\n"
    + PROG % b"int k = 0; struct big *p = a.lookup(&k); if (!p) return 1; p->f4999 = 4;"
             b" return p->f4999;", 4)  # fmt: skip
bad("recursion", b"static int f(int n) { return n ? f(n - 1) + 1 : 0; }\n" + PROG % b"return f(3);")
bad("recursion without end", b"static int f(int n) { return f(n + 1); }\n" + PROG % b"return f(3);")
bad("20 arguments",
    b"static int f(" + b", ".join(b"int a%d" % i for i in range(20)) + b") { return a0 + a19; }\n"
    + PROG % (b"return f(" + b", ".join(b"%d" % i for i in range(20)) + b");"), 19)  # fmt: skip
bad("20 arguments to a noinline function",
    b"static __attribute__((noinline)) int f(" + b", ".join(b"int a%d" % i for i in range(20))
    + b") { return a0 + a19; }\n"
    + PROG % (b"return f(" + b", ".join(b"ctx->args[%d]" % (i % 12) for i in range(20)) + b");"))
bad("an expression of 100,000 terms",
    lambda: PROG % (b"int x = ctx->args[0]; return x" + b" + x" * 100_000 + b";"))
bad("100,000 opening brackets", lambda: PROG % (b"return " + b"(" * 100_000 + b"1;"))
bad("an empty text", b"")
bad("only a macro call", b"BPF_HASH(")
bad("a call that never ends", b"BPF_HASH(h);\n" + PROG % b"h.increment(((((1;")
bad("a string that never ends", PROG % b'char s[] = "abc; return 1;')
bad("a table in a table's call", b"BPF_HASH(h);\n" + PROG % b"h.update(h.lookup, h); return 0;")
bad("a macro that calls itself", b"#define M(x) M(x) + h.lookup(M)\nBPF_HASH(h);\n"
    + PROG % b"return M(1);")  # fmt: skip
bad("a _Pragma in an #include, on which clang 19 dies",
    b'#include _Pragma("fs.h>\n' + PROG % b"return 1;")
bad("an unknown flag", b"#pragma clang no such thing\n" + PROG % b"return 3;", 3)
bad("10,000 maps", lambda: b"\n".join(b"BPF_ARRAY(m%d, u32, 1);" % i for i in range(10000)))
bad("a division by zero", PROG % b"return 1 / 0;")
bad("an array of negative size", b"BPF_ARRAY(a, u64, -1);\n" + PROG % b"return 0;")
bad("a table of no entries", b"BPF_HASH(a, u32, u64, 0);\n" + PROG % b"return 0;")
bad("a type of 1 GB", b"struct huge { char c[1 << 30]; };\nBPF_HASH(a, u32, struct huge);\n"
    + PROG % b"return 0;")  # fmt: skip
bad("inline assembly that is none", PROG % b'asm volatile("nonsense r99"); return 0;')
bad("floating point", PROG % b"double d = ctx->args[0]; return d * 1.5;")
bad("a variable-length array", PROG % b"int n = ctx->args[0]; char a[n]; a[0] = 1; return a[0];")
bad("varargs", b"static int f(int n, ...) { return n; }\n" + PROG % b"return f(1, 2, 3);")
bad("a function pointer", b"static int one(void) { return 1; }\nstatic int two(void) { return 2; }\n"
    + PROG % b"int (*f)(void) = ctx->args[0] ? one : two; return f();")  # fmt: skip


@row("bad input: #include of itself", "", "none", "native")
def include_itself(t: T) -> None:
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        Path("self.h").write_text('#include "self.h"\nint x;\n')
        survives(t, b'#include "self.h"\n' + PROG % b"return 1;")


@row("bad input: a file that is missing", "", "none", "native")
def missing_file(t: T) -> None:
    from bcc import BPF

    try:
        BPF(src_file=b"no/such/file.c")
    except Exception as why:
        t.says(str(why), "no/such/file.c")
    else:
        t.true(False, "a file that is not there was compiled")
    t.says(survives(t, b'#include "no-such.h"\n' + PROG % b"return 1;"), "no-such.h")


@row("bad input: a directory as a header", "", "none", "native")
def directory_header(t: T) -> None:
    survives(t, b'#include "/tmp"\n' + PROG % b"return 1;")


@row("bad input: flags that are none", "", "none", "native")
def bad_flags(t: T) -> None:
    for flag in ("--no-such-flag", "-x", "-include", "-DX=(", "-o/dev/null", "-fplugin=/none", ""):
        survives(t, PROG % b"return 1;", cflags=[flag])
