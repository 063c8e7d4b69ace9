"""What scripts of others do, as they do it."""

import ctypes as ct
import os
import subprocess
import sys

import bcc
import pytest
from bcc import BPF, USDT, ArgString, lib, printb, utils
from counted import COUNT, MINE, hits


def run(script, directory, *arguments):
    """A script in a process of its own, started in `/`."""
    (directory / "script.py").write_text(script)
    return subprocess.run(
        [sys.executable, directory / "script.py", *arguments],
        capture_output=True, text=True, cwd="/",
    )


def test_file_with_an_include_beside_it(row, tmp_path, compiles_here):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "size.h").write_text("#define SIZE 9\n")
    (tmp_path / "text.c").write_text('#include "lib/size.h"\nBPF_ARRAY(t, u64, SIZE);\n')
    done = run(
        "from bcc import BPF\n"
        "b = BPF(src_file='text.c')\n"
        "print(len(b['t']))\n"
        "try: BPF(src_file='no_such.c')\n"
        "except Exception as e: print(e)\n",
        tmp_path,
    )
    assert done.stdout == "9\nCould not find file no_such.c\n", done.stderr
    row("src_file beside the script, include beside the file", 9)


def test_tables_before_anything_is_loaded(row):
    b = BPF(text="BPF_HASH(t, u32, u64); int f(void *ctx) { return 0; }")
    b["t"][b["t"].Key(3)] = b["t"].Leaf(4)
    assert b["t"][ct.c_uint32(3)].value == 4 and b[b"t"] is not b["t"] and not b.funcs
    row('b["t"] before load, Key and Leaf', 4)
    b.cleanup()


def test_kprobe_constants_and_old_names(row):
    assert (BPF.KPROBE, BPF.XDP_PASS, BPF.XDP_FLAGS_SKB_MODE) == (2, 2, 2)
    assert BPF.str2ctype["int"] is ct.c_int
    assert BPF._syscall_prefixes[1] == b"__x64_sys_"
    assert BPF.kprobe_poll and callable(BPF.Table)
    row("BPF.KPROBE, str2ctype, _syscall_prefixes", "as upstream's")
    with BPF(text="TRACEPOINT_PROBE(sched, sched_switch) { return 0; }") as b:
        assert b.num_open_tracepoints() == 1 and b.num_open_kprobes() == 0
        assert b.tracepoint_fds[b"sched:sched_switch"]
    row("BPF.tracepoint_fds", "by name")


def test_library_through_both_names(row):
    assert bcc.libbcc.lib is lib and bcc.table.PerfEventArray and bcc.usdt.USDT is USDT
    assert utils.detect_language(["python", "ruby"], os.getpid()) == "python"
    row("bcc.lib, bcc.libbcc.lib, bcc.table, bcc.usdt", "one object")


def test_strings_and_bytes(row, capfd):
    printb(b"%-6s|%d" % (b"abc", 5), file=sys.stdout)
    argument = ArgString("text")
    assert (str(argument), bytes(argument)) == ("text", b"text")
    assert capfd.readouterr().out == "abc   |5\n"
    row("printb, ArgString", "abc   |5")
    with pytest.warns(DeprecationWarning, match="not a bytes object"):
        BPF(text="int f(void *ctx) { return 0; }").cleanup()
    row("str where bytes belong", "DeprecationWarning")


def test_cflags_are_not_split(row):
    with BPF(text=b"BPF_ARRAY(t, u64, N);", cflags=["-DN=(2 + 3)", "-Wno-macro-redefined"]) as b:
        assert len(b[b"t"]) == 5
    row("cflags with a blank", 5)


def test_objects_made_in_functions_stay_attached(row, tmp_path):
    done = run(
        "import os\nfrom bcc import BPF\n"
        "def start():\n"
        f"    b = BPF(text={COUNT!r} + 'TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {{ return hit(); }}',\n"
        "            cflags=['-DPID=%d' % os.getpid()])\n"
        "    return b['hits']\n"
        "hits = start()\nimport gc; gc.collect()\nos.getpgid(0)\nprint(hits[0].value)\n",
        tmp_path,
    )
    assert done.stdout == "1\n", done.stderr
    row("an object that its function has left", "still attached")


def test_failures_are_exceptions(row, capfd):
    with pytest.raises(Exception, match="Failed to compile BPF module <text>"):
        BPF(text=b"int f(")
    with BPF(text=b"int f(void *ctx) { return 0; }") as b:
        with pytest.raises(Exception, match="Unknown program no_such"):
            b.load_func(b"no_such", BPF.KPROBE)
        with pytest.raises(KeyError):
            b[b"no_such"]
        with pytest.raises(Exception, match="Failed to attach BPF program f to tracepoint no:such"):
            b.attach_tracepoint(tp=b"no:such", fn_name=b"f")
        with pytest.raises(Exception, match="could not determine address of symbol no_such in .*libc"):
            b.attach_uprobe(name=b"c", sym=b"no_such", fn_name=b"f")
        with pytest.raises(Exception, match="not attached"):
            b.detach_tracepoint(b"no:such")
    capfd.readouterr()
    row("failures", "messages as upstream's")


def test_calls_of_other_threads_are_counted(row):
    with BPF(text=(COUNT + "int f(void *ctx) { return hit(); }").encode(), cflags=MINE) as b:
        b.attach_tracepoint(tp_re=b"syscalls:sys_enter_getpg", fn_name=b"f")
        os.getpgid(0)
        assert hits(b) == 1
        row("BPF.attach_tracepoint tp_re", f"{b.num_open_tracepoints()} tracepoints, 1 hit")


def test_debug_btf(row, capfd):
    # The kernel takes names of up to 511 bytes.
    name = "n" * 600
    text = b"struct %s { u64 v; }; BPF_HASH(t, u32, struct %s, 8);" % (name.encode(), name.encode())
    BPF(text=text).cleanup()
    assert "BTF" not in capfd.readouterr().err
    with BPF(text=text, debug=bcc.DEBUG_BTF) as b:
        said = capfd.readouterr().err
        assert "does not take the module's BTF" in said and "Invalid name" in said
        b[b"t"][b[b"t"].Key(1)] = b[b"t"].Leaf(5)
        assert b[b"t"][b[b"t"].Key(1)].v == 5
    row("DEBUG_BTF", "Invalid name; the table works without")
