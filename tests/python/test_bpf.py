"""Construction, programs, attachments and lifetimes, natively on the test's own processes."""

import ctypes as ct
import gc
import mmap
import os
import socket
import subprocess
import sys
import weakref

import bcc
import pytest
from bcc import BPF, BPFAttachType, BPFError, PerfSWConfig, PerfType, lib

COUNT = """
BPF_ARRAY(hits, u64, 1);
static inline void hit(void) {
    int zero = 0;
    u64 *n = hits.lookup(&zero);
    if (n) __sync_fetch_and_add(n, 1);
}
"""


def mine(body):
    return COUNT + body.replace("MINE", f"(bpf_get_current_pid_tgid() >> 32 == {os.getpid()})")


def test_text_and_file_exclude_each_other():
    with pytest.raises(AssertionError):
        BPF(text="int x;", src_file="x.c")


def test_a_missing_file_is_named():
    with pytest.raises(Exception, match="Could not find file /nonexistent/x.c"):
        BPF(src_file="/nonexistent/x.c")


def test_src_file_with_an_include_beside_it(tmp_path, monkeypatch, compiles_here):
    (tmp_path / "answer.h").write_text("#define ANSWER 42\n")
    (tmp_path / "x.c").write_text('#include "answer.h"\nBPF_ARRAY(t, u64, ANSWER);\n')
    monkeypatch.chdir(tmp_path)
    with BPF(src_file=b"x.c") as b:
        assert len(b["t"]) == 42


@pytest.mark.parametrize("name", ["x.c", "./x.c", "../beside/x.c", "nested/../x.c"])
def test_calls_in_a_src_file_of_a_relative_name_are_rewritten(tmp_path, monkeypatch, name):
    (tmp_path / "beside/nested").mkdir(parents=True)
    text = "BPF_HASH(t, int, u64);\nint f(void *ctx) { int key = 7; t.increment(key); return 0; }\n"
    (tmp_path / "beside/x.c").write_text(text)
    monkeypatch.chdir(tmp_path / "beside")
    with BPF(src_file=name) as b:
        b.load_func("f", BPF.SOCKET_FILTER).test_run(bytes(64))
        assert [(key.value, value.value) for key, value in b["t"].items()] == [(7, 1)]


def test_cflags_reach_the_compiler_and_are_not_changed():
    flags = ["-DN=7"]
    with BPF(text="BPF_ARRAY(t, u64, N);", cflags=flags) as b:
        assert len(b["t"]) == 7
    assert flags == ["-DN=7"]


@pytest.mark.parametrize(
    "cflags",
    [["-MMD"], ["-MD", "-MF", "out"], ["-fsave-optimization-record"], ["--serialize-diagnostics", "out"]],
)
def test_cflags_that_write_files_are_refused(tmp_path, monkeypatch, cflags):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BPFError, match=f'argument "{cflags[0]}"'):
        BPF(text="int f(void *ctx) { return 0; }", cflags=cflags)
    assert list(tmp_path.iterdir()) == []


def test_wrong_cflags_are_named():
    def fails(cflags, kind=BPFError):
        with pytest.raises(kind) as caught:
            BPF(text="int f(void *ctx) { return 0; }", cflags=cflags)
        return str(caught.value)

    assert '"-junk"' in fails(["-DX=1", "-junk", "-DY=2"])
    assert '"@args"' in fails(["@args"])
    assert '"-include" lacks its value' in fails(["-include"])
    assert "<command line>: error: macro name must be an identifier" in fails(["-D3=1"])
    assert "not one text" in fails("-DX=1", TypeError)


def test_an_include_that_never_ends_is_refused(tmp_path, compiles_here):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", "/dev/zero"):
        with pytest.raises(BPFError, match=r"no regular file[^$]*/virtual/main.c:2:"):
            BPF(text=f'// first\n#include "{path}"\nint f(void *ctx) {{ return 0; }}')


def test_what_is_too_deep_for_clang_is_an_error():
    with pytest.raises(BPFError, match="too deep"):
        BPF(text="int f(void *ctx) { int x = 1; return " + "-~" * 100_000 + "x; }")


ENDLESS = """
import os, pathlib, signal, threading, time
from bcc import BPF

def children():
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text()
        except OSError:  # It ended meanwhile.
            continue
        if stat.rpartition(")")[2].split()[1] == str(os.getpid()):
            found.append(stat)
    return found

def interrupt():
    while not children():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

text = "#define A0(x) x\\n" + "".join(f"#define A{n + 1}(x) A{n}(A{n}(x))\\n" for n in range(40))
threading.Thread(target=interrupt).start()
try:
    BPF(text=text + "int f(void *ctx) { return A40(1); }")
except KeyboardInterrupt:
    print("interrupted", children())
"""


def test_ctrl_c_ends_a_compile(compiles_here):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", ENDLESS], stdout=subprocess.PIPE, text=True)
    assert done.stdout == "interrupted []\n"


def test_a_syntax_error_carries_its_place(capfd):
    with pytest.raises(bcc.CompileError, match="^Failed to compile BPF module <text>") as raised:
        BPF(text="int f(void *ctx) {\n    return nonsense;\n}\n")
    severity, _stage, (_file, line, column), message, _hint = raised.value.diagnostics[0]
    assert (severity, line, column) == ("error", 2, 12) and "nonsense" in message
    assert "nonsense" in capfd.readouterr().err


def test_a_missing_file_name_is_shown_in_the_message(tmp_path):
    path = tmp_path / "bad.c"
    path.write_text("int f(")
    with pytest.raises(Exception, match=f"Failed to compile BPF module {path}"):
        BPF(src_file=str(path))


def test_a_rejected_program_carries_the_verifiers_log(capfd):
    text = "BPF_HASH(t); int f(struct pt_regs *ctx) { u64 k = 0; return *t.lookup(&k); }"
    with BPF(text=text) as b, pytest.raises(bcc.LoadError, match="Failed to load BPF program f") as raised:
        b.load_func("f", BPF.KPROBE)
    assert "map_value_or_null" in raised.value.log and raised.value.errno == 13
    assert capfd.readouterr().err.startswith("bpf: Failed to load program: Permission denied\n")


def test_unknown_programs_are_named():
    expected = "^Unknown program g; the module has f$"
    with BPF(text="int f(void *ctx) { return 0; }") as b, pytest.raises(Exception, match=expected):
        b.load_func(b"g", BPF.KPROBE)


def test_functions_are_loaded_once(no_leak):
    with BPF(text="int f(void *ctx) { return 1; } int g(void *ctx) { return 1; }") as b:
        f = b.load_func("f", BPF.SOCKET_FILTER)
        assert f is b.load_func(b"f", BPF.KPROBE)
        assert (f.bpf, f.name) == (b, b"f") and os.readlink(f"/proc/self/fd/{f.fd}") == "anon_inode:bpf-prog"
        assert [fn.name for fn in b.load_funcs(BPF.KPROBE)] == [b"f", b"g"]


def test_dump_and_disassembly():
    with BPF(text="int f(void *ctx) { return 1; }") as b:
        assert b.dump_func("f") == bytes.fromhex("b700000001000000 9500000000000000")
        assert b.disassemble_func("f") == (
            "Disassemble of BPF program f:\n   0: (b7) r0 = 1\n   1: (95) exit"
        )


def test_decode_table_shows_key_and_value():
    with BPF(text="struct k { u32 pid; char c[8]; }; BPF_HASH(t, struct k, u64);") as b:
        shown = b.decode_table("t")
    assert shown.splitlines()[0].startswith("Layout of BPF map t (type HASH, FD ")
    assert "    unsigned int pid;\n    char c[8];\n  } key;\n  unsigned long long value;" in shown


def test_tracepoint_probe_attaches_by_its_name(no_leak):
    with BPF(text=mine("TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { if (MINE) hit(); return 0; }")) as b:
        assert b.num_open_tracepoints() == 1
        for _ in range(13):
            os.getpgid(0)
        assert b["hits"][0].value == 13
        b.detach_tracepoint("syscalls:sys_enter_getpgid")
        os.getpgid(0)
        assert (b["hits"][0].value, b.num_open_tracepoints()) == (13, 0)
        with pytest.raises(Exception, match="is not attached"):
            b.detach_tracepoint("syscalls:sys_enter_getpgid")


def test_raw_tracepoint(no_leak):
    with BPF(text=mine("RAW_TRACEPOINT_PROBE(sys_enter) { if (MINE && ctx->args[1] == __NR) hit(); return 0; }"),
             cflags=["-D__NR=121"]) as b:
        for _ in range(5):
            os.getpgid(0)
        assert b["hits"][0].value == 5
        with pytest.raises(Exception, match="has been attached"):
            b.attach_raw_tracepoint("sys_enter", "raw_tracepoint__sys_enter")


def test_unknown_tracepoints_and_kernel_functions(no_leak):
    with BPF(text="int f(void *ctx) { return 0; }") as b, pytest.raises(
        Exception, match="Failed to attach BPF program f to tracepoint no:such"
    ):
        b.attach_tracepoint("no:such", fn_name="f")
    with BPF(text="int f(void *ctx) { return 0; }") as b:
        expected = "Failed to attach BPF program f to kprobe no_such_fn, it's not traceable"
        with pytest.raises(bcc.AttachError, match=expected):
            b.attach_kprobe(event="no_such_fn", fn_name="f")
        with pytest.raises(bcc.AttachError, match=expected.replace("no_such_fn", "no_such_.*")):
            b.attach_kprobe(event_re="no_such_.*", fn_name="f")
        with pytest.raises(KeyError):
            b.detach_kprobe("no_such_fn")
        assert b.num_open_kprobes() == 0


def test_kprobe_counts_calls(requires, no_leak):
    requires("kprobes")
    with BPF(text=mine("int f(struct pt_regs *ctx) { if (MINE) hit(); return 0; }")) as b:
        event = b.get_syscall_fnname("getpgid")
        assert b.attach_kprobe(event=event, fn_name="f") is b
        b.attach_kretprobe(event=event, fn_name="f")
        for _ in range(3):
            os.getpgid(0)
        assert (b["hits"][0].value, b.num_open_kprobes()) == (6, 2)
        b.detach_kprobe(event)
        os.getpgid(0)
        assert (b["hits"][0].value, b.num_open_kprobes()) == (7, 1)


def test_uprobe_and_uretprobe_on_a_library(no_leak):
    with BPF(text=mine("int f(struct pt_regs *ctx) { if (MINE) hit(); return 0; }")) as b:
        libc = ct.CDLL(None)
        b.attach_uprobe(name="c", sym="getppid", fn_name="f", pid=os.getpid())
        b.attach_uretprobe(name="c", sym="getppid", fn_name="f", pid=os.getpid())
        assert b.num_open_uprobes() == 2
        for _ in range(4):
            libc.getppid()
        assert b["hits"][0].value == 8
        b.detach_uprobe(name="c", sym="getppid", pid=os.getpid())
        libc.getppid()
        assert b["hits"][0].value == 9
        b.detach_uretprobe(name="c", sym="getppid", pid=os.getpid())
        with pytest.raises(Exception, match="could not determine address of symbol no_such"):
            b.attach_uprobe(name="c", sym="no_such", fn_name="f")


def test_uprobes_by_pattern_and_quota(no_leak, monkeypatch):
    with BPF(text=mine("int f(struct pt_regs *ctx) { if (MINE) hit(); return 0; }")) as b:
        before = bcc._get_num_open_probes()
        b.attach_uprobe(name="c", sym_re="^getp(pid|gid)$", fn_name="f", pid=os.getpid())
        assert b.num_open_uprobes() == bcc._get_num_open_probes() - before == 2
        monkeypatch.setenv("BCC_PROBE_LIMIT", str(before + 2))
        with pytest.raises(Exception, match="Number of open probes would exceed global quota"):
            b.attach_uprobe(name="c", sym="getuid", fn_name="f")
    assert bcc._get_num_open_probes() == before


def test_software_perf_events(no_leak):
    with BPF(text=mine("int f(struct bpf_perf_event_data *ctx) { if (MINE) hit(); return 0; }")) as b:
        b.attach_perf_event(
            PerfType.SOFTWARE, PerfSWConfig.PAGE_FAULTS, "f", sample_period=1, pid=os.getpid()
        )
        with mmap.mmap(-1, 1 << 22) as memory:
            memory.madvise(mmap.MADV_NOHUGEPAGE)
            memory.write(bytes(1 << 22))
        assert b["hits"][0].value > 100
        b.detach_perf_event(PerfType.SOFTWARE, PerfSWConfig.PAGE_FAULTS)
        with pytest.raises(Exception, match="is not attached"):
            b.detach_perf_event(PerfType.SOFTWARE, PerfSWConfig.PAGE_FAULTS)


def test_raw_socket_sees_packets():
    with BPF(text=COUNT + "int f(struct __sk_buff *skb) { hit(); return 0; }") as b:
        f = b.load_func("f", BPF.SOCKET_FILTER)
        BPF.attach_raw_socket(f, "lo")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"x", ("127.0.0.1", 9))
        assert b["hits"][0].value > 0
        os.close(f.sock)
        with pytest.raises(Exception, match="BPF.Function"):
            BPF.attach_raw_socket("f", "lo")


def test_cgroup_program(no_leak, cgroup2):
    with BPF(text="int f(struct __sk_buff *skb) { return 1; }") as b:
        f = b.load_func("f", BPF.CGROUP_SKB)
        fd = os.open(cgroup2, os.O_RDONLY)
        group = os.path.join(cgroup2, "own")
        os.mkdir(group)
        own = os.open(group, os.O_RDONLY)
        try:
            b.attach_func(f, own, BPFAttachType.CGROUP_INET_EGRESS)
            b.detach_func(f, own, BPFAttachType.CGROUP_INET_EGRESS)
            with pytest.raises(Exception, match="Failed to detach"):
                b.detach_func(f, own, BPFAttachType.CGROUP_INET_EGRESS)
        finally:
            os.close(own)
            os.close(fd)
            os.rmdir(group)


def test_trace_printk_lines(no_leak):
    text = mine('TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { if (MINE) bpf_trace_printk("n=%d", 7); return 0; }')
    with BPF(text=text) as b:
        assert b.trace_fields(nonblocking=True) == (None,) * 6
        os.getpgid(0)
        task, pid, cpu, flags, ts, msg = b.trace_fields()
        assert (pid, msg) == (os.getpid(), b"n=7")
        # The kernel learns a task's name at its next switch.
        assert task in (open("/proc/self/comm", "rb").read().strip(), b"<...>")
        assert ts > 0 and cpu >= 0
        os.getpgid(0)
        assert b.trace_readline().endswith(b"bpf_trace_printk: n=7")


def test_symbols_of_the_kernel_and_of_this_process():
    address = BPF.ksymname("bpf_prog_run_generic_xdp")
    address = address if address != -1 else BPF.ksymname(b"schedule")
    assert BPF.ksym(address + 1, show_module=True, show_offset=True).endswith(b"+0x1 [kernel]")
    assert BPF.ksymname(b"no_such_symbol") == -1
    libc = ct.CDLL(None)
    getppid = ct.cast(libc.getppid, ct.c_void_p).value
    assert b"getppid" in BPF.sym(getppid, os.getpid(), show_module=True, show_offset=True)
    name, offset, module = BPF._sym_cache(os.getpid()).resolve(getppid, True)
    assert (offset, os.path.basename(module)[:4]) == (0, b"libc") and b"getppid" in name
    assert BPF.sym(1, os.getpid()) == b"[unknown]"


def test_numbers_wrap_as_in_c():
    """Scripts hand on what they read: a pid of -1 from a `u32` field, an address from an `s64` one."""
    address = BPF.ksymname(b"schedule")
    assert address >= 1 << 63
    assert BPF.ksym(address) == BPF.ksym(address - (1 << 64)) == b"schedule"
    assert BPF.sym(address, 0xFFFFFFFF) == BPF.sym(address - (1 << 64), -1) == b"schedule"
    assert BPF._sym_cache(0xFFFFFFFF).resolve(address - (1 << 64), True)[0] == b"schedule"


def test_kernel_questions():
    assert BPF.kernel_struct_has_field("task_struct", "pid") == 1
    assert BPF.kernel_struct_has_field("task_struct", "no_such") == 0
    assert BPF.kernel_struct_has_field("no_such", "pid") == -1
    assert BPF.kernel_enum_has_val("bpf_prog_type", "BPF_PROG_TYPE_XDP") == 1
    assert BPF.kernel_enum_has_val("bpf_prog_type", "NO_SUCH") == 0
    assert BPF.find_library("c").endswith(b"libc.so.6") and BPF.find_exe("sh").endswith(b"/sh")
    assert BPF.find_exe("no_such_exe") is None
    assert b"sched:sched_switch" in BPF.get_tracepoints("sched:")
    assert b"getpid" in BPF.get_user_functions("c", "getpid")
    assert BPF.support_raw_tracepoint()
    assert BPF.generate_auto_includes(["skb:kfree_skb", "time"]) == "#include <linux/time.h>\n"


def test_c_functions_take_the_module():
    with BPF(text="BPF_HASH(t, u32, u64); int f(void *ctx) { return 0; }") as b:
        assert lib.bpf_table_fd(b.module, b"t") == b["t"].get_fd()
        assert lib.bpf_num_functions(b.module) == 1 and lib.bpf_function_name(b.module, 0) == b"f"
        assert lib.bpf_table_fd(b.module, b"no_such") == -1 and lib.bpf_module_rw_engine_enabled()


def test_an_object_without_attachments_is_freed(no_leak):
    gone = weakref.ref(BPF(text="BPF_HASH(t);"))
    gc.collect()
    assert gone() is None


def test_an_object_with_attachments_stays_until_cleanup(no_leak):
    alive = weakref.ref(
        BPF(text=mine("TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { if (MINE) hit(); return 0; }"))
    )
    gc.collect()
    os.getpgid(0)
    assert alive()["hits"][0].value == 1
    alive().cleanup()
    gc.collect()
    assert alive() is None


def test_a_forked_child_detaches_nothing(no_leak):
    with BPF(text=mine("TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { if (MINE) hit(); return 0; }")) as b:
        pid = os.fork()
        if pid == 0:
            b.cleanup()
            os._exit(0)
        os.waitpid(pid, 0)
        os.getpgid(0)
        assert b["hits"][0].value == 1


def test_what_a_script_does_at_exit_comes_before_the_cleanup(run_python):
    done = run_python(
        "import atexit; from bcc import BPF\n"
        "atexit.register(lambda: print(b.num_open_uprobes(), len(b['t'])))\n"
        "b = BPF(text=b'BPF_ARRAY(t, u32, 5); int f(void *ctx) { return 0; }')\n"
        "b.attach_uprobe(name=b'c', sym=b'getppid', fn_name=b'f')\n"
    )
    assert (done.stdout, done.stderr) == ("1 5\n", "")


def test_nothing_keeps_the_interpreter_from_ending(run_python):
    done = run_python(
        "import threading; from bcc import BPF\n"
        "b = BPF(text=b'BPF_PERF_OUTPUT(e); TRACEPOINT_PROBE(sched, sched_process_exit) { return 0; }')\n"
        "b['e'].open_perf_buffer(print)\n"
        "threading.Thread(target=b.perf_buffer_poll, daemon=True).start()\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to give it up")
def test_without_privilege_the_missing_capability_is_named(tmp_path, compiles_here):
    script = "from bcc import BPF, BPFError\ntry: BPF(text=b'BPF_HASH(t);')\nexcept BPFError as e: print(e)"
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    tmp_path.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", script], user=65534, capture_output=True, text=True, env=env, cwd="/"
    )
    assert "CAP_BPF" in done.stdout, done.stdout + done.stderr


def test_errors_are_of_one_family():
    with pytest.raises(BPFError):
        BPF(text="int f(")


def test_a_tracepoint_where_tracefs_is_not_mounted_says_what_to_mount(no_leak):
    script = "from bcc import BPF\nBPF(text='TRACEPOINT_PROBE(sched, sched_switch) { return 0; }')"
    hide = 'for at in tracing debug; do umount -R -l /sys/kernel/$at; done 2>/dev/null; exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hide, "sh", sys.executable, "-c", script],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "hint: tracefs is not mounted" in done.stderr, done.stderr


def test_a_table_that_is_missing_is_named():
    with BPF(text="BPF_HASH(counts);") as b, pytest.raises(KeyError, match="^'cuonts'$"):
        b["cuonts"]


def test_what_a_program_is_made_of_must_be_given():
    with pytest.raises(Exception, match="text=... or src_file=..."):
        BPF()
    with pytest.raises(TypeError, match="cflags is a list of arguments"):
        BPF(text="int f(void *ctx) { return 0; }", cflags="-DX=1")


def test_what_was_cleaned_up_says_so():
    b = BPF(text="BPF_HASH(counts); int f(void *ctx) { return 0; }")
    counts = b["counts"]
    counts[counts.Key(1)] = counts.Leaf(2)
    b.cleanup()
    for use in (lambda: b["counts"], lambda: b.load_func("f", BPF.KPROBE), b.perf_buffer_poll, b.ring_buffer_poll):
        with pytest.raises(bcc.BPFError, match="this BPF object was cleaned up"):
            use()
    assert counts[counts.Key(1)].value == 2
