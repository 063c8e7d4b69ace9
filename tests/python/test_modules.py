"""The helper modules, and what `import bcc` offers."""

import argparse
import ctypes as ct
import io
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import bcc
import pytest
from bcc import containers, ctype, perf, syscall, tcp, utils


def test_star_import_gives_the_names_that_scripts_use(run_python):
    script = """
from bcc import *
names = ("BPF USDT USDTException Perf PerfType PerfHWConfig PerfSWConfig PerfEventSampleFormat BPFProgType "
         "BPFAttachType XDPAction XDPFlags SymbolCache Table PerfEventArray RingBuf BPF_MAP_TYPE_QUEUE "
         "BPF_MAP_TYPE_STACK DEBUG_LLVM_IR DEBUG_BPF DEBUG_PREPROCESSOR DEBUG_SOURCE "
         "DEBUG_BPF_REGISTER_STATE DEBUG_BTF DEBUGFS TRACEFS get_online_cpus printb ArgString "
         "StrcmpRewrite lib bcc_symbol bcc_symbol_option bcc_stacktrace_build_id os re ct json platform")
print([name for name in names.split() if name not in globals()])
"""
    done = run_python(script)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_import_alone_loads_neither_ctypes_nor_the_native_module(run_python):
    done = run_python(
        "import sys; before = set(sys.modules); import bcc;"
        "print(sorted({'ctypes', 're', 'json', 'bcc._native', 'argparse'} & (set(sys.modules) - before)))"
    )
    assert done.stdout == "[]\n", done.stderr


def needed(file):
    """The shared libraries that an ELF file asks for."""
    dynamic = subprocess.check_output(["readelf", "-dW", str(file)], text=True)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)


def test_the_native_module_links_no_compiler():
    from bcc import _native

    libraries = needed(_native.__file__)
    assert any(name.startswith("libc.so") for name in libraries)
    assert not [name for name in libraries if re.search(r"LLVM|clang|stdc\+\+", name)]


@pytest.mark.skipif(os.environ.get("BCC_LLVM_LINK") == "shared", reason="built with shared libraries")
def test_the_compiler_needs_no_library_of_llvm():
    libraries = needed(Path(bcc.__file__).parent / "bcc-compiler")
    assert any(name.startswith("libc.so") for name in libraries)
    assert not [name for name in libraries if re.search(r"LLVM|clang|stdc\+\+", name)]


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = bcc.nonsense


def test_constants():
    assert (bcc.BPF.XDP, bcc.BPF.KPROBE, bcc.BPF.XDP_DROP, bcc.BPF.XDP_FLAGS_SKB_MODE) == (6, 2, 1, 2)
    assert bcc.BPFAttachType.CGROUP_SETSOCKOPT == 22
    assert bcc.PerfEventSampleFormat.WEIGHT_STRUCT == 1 << 24
    assert not hasattr(bcc.BPF, "CGROUP_SOCKOPT")


def test_tcp_names():
    assert tcp.flags2str(0x12) == "SYN|ACK"
    assert (tcp.state2str(1), tcp.state2str(99)) == ("ESTABLISHED", "99")


def test_system_call_names():
    assert syscall.syscall_name(59) == b"execve"
    assert syscall.syscall_name(100000) == b"[unknown: 100000]"
    assert syscall.syscalls[257] == b"openat"


def test_perf_event_attr_is_the_kernel_struct():
    attr = perf.Perf.perf_event_attr()
    assert ct.sizeof(attr) == attr.size == 120
    attr.sample_freq, attr.inherit, attr.sigtrap = 99, 1, 1
    assert (attr.sample_period, attr.flags) == (99, 1 << 1 | 1 << 37)
    assert type(attr).config1.offset == 56 and type(attr).clockid.offset == 92
    with pytest.warns(UserWarning, match="no_such_member"):
        attr.no_such_member = 1


def test_strcmp_becomes_a_call():
    done = utils.StrcmpRewrite.rewrite_expr(
        'STRCMP("a)b", f(x, y)) && STRCMP("q", arg2)', False, False, {"arg2"}, "/* old */", 3
    )
    assert done["expr"] == 'streq_3("a)b", (uintptr_t)(f(x, y))) && streq_4("q", (uintptr_t)(arg2))'
    assert done["probeid"] == 5
    assert done["streq_functions"].startswith("/* old */")
    assert "bpf_probe_read_user(&haystack" in done["streq_functions"].split("streq_4")[1]


def test_strcmp_with_escaped_quotes():
    done = utils.StrcmpRewrite.rewrite_expr(r"STRCMP(\"x\", e)", True, True, [], "", 0)
    assert done["expr"] == 'streq_0("x", (uintptr_t)(e))'


def test_bytes_rule_warns_about_text():
    assert utils._assert_is_bytes(b"x") == b"x" and utils._assert_is_bytes(None) is None
    with pytest.warns(DeprecationWarning, match="not a bytes object"):
        assert utils._assert_is_bytes("x") == b"x"
    with warnings.catch_warnings(), pytest.raises(TypeError):
        warnings.simplefilter("ignore")
        utils._assert_is_bytes(5)


def test_printb_writes_bytes_and_flushes():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw)
    utils.printb(b"\xff", file=out)
    utils.printb(b"x", file=out, nl=0)
    assert raw.getvalue() == b"\xff\nx"


def test_arg_string_is_text_and_bytes():
    arg = utils.ArgString("å")
    assert (str(arg), bytes(arg)) == ("å", "å".encode())


def test_cpus_and_language():
    assert len(utils.get_online_cpus()) == os.sysconf("SC_NPROCESSORS_ONLN")
    assert len(utils.get_possible_cpus()) >= len(utils.get_online_cpus())
    assert utils.detect_language(["python", "java"], os.getpid()) == "python"
    assert utils.detect_language(["java"], os.getpid()) is None


def test_container_filter_names_its_maps():
    args = argparse.Namespace(cgroupmap="/sys/fs/bpf/cg", mntnsmap=None)
    text = containers.filter_by_containers(args)
    assert 'BPF_TABLE_PINNED("hash", u64, u64, cgroupset, 1024, "/sys/fs/bpf/cg");' in text
    assert "mount_ns_set" not in text and "container_should_be_filtered()" in text


def test_types_become_classes_once():
    inner = ("union", "", (("a", "unsigned int", None), ("b", "unsigned char", None)), 4)
    desc = (
        "struct_packed",
        "key_t",
        (("pid", "unsigned int", None), ("", inner, None), ("comm", ("[]", "char", 16), None)),
        24,
    )
    cls = ctype.class_of(desc)
    assert cls is ctype.class_of(desc)
    assert (cls.__name__, ct.sizeof(cls)) == ("key_t", 24)
    key = cls(pid=7, comm=b"hi")
    key.b = 5
    assert (key.a, key.comm) == (5, b"hi")


def test_bit_fields_and_wide_integers():
    bits = ctype.class_of(("struct", "f", (("a", "unsigned int", 3), ("b", "unsigned int", 29)), 4))
    assert (bits(a=9).a, ct.sizeof(bits)) == (1, 4)
    assert ct.sizeof(ctype.class_of("unsigned __int128")) == 16


def test_event_fields_go_by_their_names():
    cls = ctype.event_class(["pid#u32", "comm#char[16]", "state#enum x", "delta#u64"], None)
    data = cls(pid=1, comm=b"abc", state=-1, delta=2**63)
    assert (data.pid, data.comm, data.state, data.delta) == (1, b"abc", -1, 2**63)


def test_event_fields_of_unknown_names_use_the_exact_type():
    exact = ("struct", "e", (("pid", "int", None), ("x", "unsigned short", None)), 8)
    cls = ctype.event_class(["pid#pid_t", "x#u16"], exact)
    assert (cls(pid=-5).pid, ct.sizeof(cls)) == (-5, 8)


def test_event_fields_keep_the_order_of_an_arrays_lengths():
    exact = ("struct", "e", (("x", ("[]", ("[]", "char", 5), 2), None),), 10)
    cls = ctype.event_class(["x#char[2][5]"], exact)
    event = cls.from_buffer_copy(b"abcd\0ef\0\0\0")
    assert [text.value for text in event.x] == [b"abcd", b"ef"]


def test_event_fields_that_nobody_knows_end_the_program(capsys):
    with pytest.raises(SystemExit) as raised:
        ctype.event_class(["pid#pid_t"], None)
    assert raised.value.code == 1
    message = "Type: 'pid_t' not recognized. Please define the data with ctypes manually.\n"
    assert capsys.readouterr().err == message


def test_exec_holds_the_child_until_it_is_let_go():
    from bcc import exec as held

    pid = held.run_cmd(["true"])
    assert os.readlink(f"/proc/{pid}/exe") != os.path.realpath("/bin/true")
    assert not held.cmd_exited()
    held.cmd_ready()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert held.cmd_exited()


def is_inheritable(fd):
    try:
        return os.get_inheritable(fd)
    except OSError:
        # What listed them is closed.
        return False


def test_exec_leaves_the_child_no_descriptors(tmp_path):
    from bcc import exec as held

    out = tmp_path / "open"
    pid = held.run_cmd(["sh", "-c", f"ls /proc/$$/fd >{out}"])
    before = {int(name) for name in os.listdir("/proc/self/fd")}
    inherited = {fd for fd in before if is_inheritable(fd)}
    held.cmd_ready()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    # The shell's own copy of its output is above 9.
    assert {int(fd) for fd in out.read_text().split() if int(fd) < 10} <= inherited | {0, 1, 2}
    assert held.cmd_exited()


def test_exceptions_are_exceptions():
    for error in (bcc.CompileError, bcc.LoadError, bcc.AttachError, bcc.MapError, bcc.USDTException):
        assert issubclass(error, bcc.BPFError) and issubclass(bcc.BPFError, Exception)
    assert sys.modules["bcc"].__version__


def test_the_stub_names_what_the_native_module_has():
    import ast
    from pathlib import Path

    from bcc import _native

    tree = ast.parse((Path(bcc.__file__).parent / "_native.pyi").read_text())
    stubbed = {node.name: node for node in tree.body if hasattr(node, "name")}
    public = {name for name in dir(_native) if not name.startswith("__")}
    assert public == set(stubbed)
    for name, node in stubbed.items():
        if isinstance(node, ast.ClassDef) and not issubclass(getattr(_native, name), Exception):
            members = {member.name for member in node.body if hasattr(member, "name")}
            members |= {m.target.id for m in node.body if isinstance(m, ast.AnnAssign)}
            real = set(vars(getattr(_native, name)))
            assert members <= real, name
            assert {member for member in real if not member.startswith("__")} <= members, name
