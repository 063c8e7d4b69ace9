"""Every kind of attachment, seen to fire; in guests also those that the developer's machine may lack."""

import ctypes as ct
import functools
import os
import re
import subprocess
import sys
import threading
import warnings

import bcc
import pytest
from bcc import BPF, _native

COUNT = """
BPF_ARRAY(hits, u64, 1);
static inline void hit(void) {
    int zero = 0;
    u64 *n = hits.lookup(&zero);
    if (n) __sync_fetch_and_add(n, 1);
}
"""
HIT = "{ if (MINE) hit(); return 0; }"


def mine(body):
    return COUNT + body.replace("MINE", f"(bpf_get_current_pid_tgid() >> 32 == {os.getpid()})")


def hits(b):
    return b["hits"][0].value


def test_kprobes_by_pattern_count_and_leave_one_by_one(requires, no_leak):
    requires("kprobes")
    with BPF(text=mine("int f(struct pt_regs *ctx) " + HIT)) as b:
        prefix = b.get_syscall_prefix().decode()
        before = bcc._get_num_open_probes()
        assert b.attach_kprobe(event_re=f"{prefix}getp(gid|riority)", fn_name="f") is None
        assert b.num_open_kprobes() == bcc._get_num_open_probes() - before == 2
        os.getpgid(0)
        os.getpriority(os.PRIO_PROCESS, 0)
        assert hits(b) == 2
        b.detach_kprobe(prefix + "getpriority")
        os.getpriority(os.PRIO_PROCESS, 0)
        os.getpgid(0)
        assert (hits(b), b.num_open_kprobes()) == (3, 1)
        b.detach_kprobe(prefix + "getpgid", fn_name="f")
        os.getpgid(0)
        assert (hits(b), bcc._get_num_open_probes()) == (3, before)
        # As upstream, an event stays known after its functions were detached by name.
        assert b.num_open_kprobes() == 1
        with pytest.raises(Exception, match="is not attached with function f"):
            b.detach_kprobe(prefix + "getpgid", fn_name="f")
    assert bcc._get_num_open_probes() == before


def test_kretprobe_sees_the_result_and_maxactive_is_taken(requires, no_leak):
    requires("kprobes")
    body = "int f(struct pt_regs *ctx) { if (MINE && PT_REGS_RC(ctx) == WANTED) hit(); return 0; }"
    with BPF(text=mine(body), cflags=[f"-DWANTED={os.getpgid(0)}"]) as b:
        name = b.get_syscall_fnname("getpgid")
        b.attach_kretprobe(event=name, fn_name="f", maxactive=16)
        os.getpgid(0)
        b.detach_kretprobe(name)
        b.attach_kretprobe(event_re=name.decode(), fn_name="f", maxactive=16)
        os.getpgid(0)
        assert hits(b) == 2


def test_kretprobes_by_pattern_stop_at_the_quota(requires, monkeypatch):
    requires("kprobes")
    with BPF(text=mine("int f(struct pt_regs *ctx) " + HIT)) as b:
        monkeypatch.setenv("BCC_PROBE_LIMIT", str(bcc._get_num_open_probes() + 1))
        pattern = b.get_syscall_prefix().decode() + "getp(gid|riority)"
        with pytest.raises(Exception, match="Number of open probes would exceed global quota"):
            b.attach_kprobe(event_re=pattern, fn_name="f")
        b.attach_kretprobe(event_re=pattern, fn_name="f")
        assert b.num_open_kprobes() == 1


def test_thousands_of_functions_by_one_call(requires, no_leak, monkeypatch):
    requires("kprobe_multi")
    monkeypatch.setenv("BCC_PROBE_LIMIT", "100000")
    with BPF(text=mine("int f(struct pt_regs *ctx) { if (MINE) hit(); return 0; }")) as b:
        matches = BPF.get_kprobe_functions("(vfs|tcp|udp|ext4|bio|blk|ip|skb)_.*")
        assert len(matches) > 1000
        fds = len(os.listdir("/proc/self/fd"))
        b.attach_kprobe(event_re="(vfs|tcp|udp|ext4|bio|blk|ip|skb)_.*", fn_name="f")
        attached = b.num_open_kprobes()
        assert attached + len(b.untraceable) == len(matches) and attached > 0.95 * len(matches)
        # One program and a few links, not one descriptor a function.
        assert len(os.listdir("/proc/self/fd")) - fds < 100
        with open("/proc/self/exe", "rb") as exe:
            exe.read(4)
        assert hits(b) > 0


def test_syscall_prefix_functions_are_named(requires):
    requires("kprobes")
    with BPF(text="int f(void *ctx) { return 0; }") as b:
        assert b.get_syscall_fnname("openat") in BPF.get_kprobe_functions(".*sys_openat")


def test_kprobe_at_an_offset(requires, no_leak):
    requires("kprobes")
    with BPF(text=mine("int f(struct pt_regs *ctx) " + HIT)) as b:
        b.attach_kprobe(event="vfs_read", event_off=0, fn_name="f")
        with open("/proc/self/stat", "rb") as stat:
            stat.read()
        assert hits(b) > 0
        with pytest.raises(bcc.AttachError) as raised:
            b.attach_kprobe(event="vfs_read", event_off=1, fn_name="f")
        assert raised.value.errno is not None


def test_a_function_that_became_a_macro_is_found_by_its_old_name(requires, no_leak):
    requires("kprobes")
    with BPF(text=mine("int f(struct pt_regs *ctx) { if (MINE) hit(); return 0; }")) as b:
        # Since 6.10 it is called kmem_cache_alloc_noprof.
        b.attach_kprobe(event="kmem_cache_alloc", fn_name="f")
        os.close(os.open("/proc/self/stat", os.O_RDONLY))
        assert hits(b) > 0
        b.detach_kprobe("kmem_cache_alloc")
        with pytest.raises(bcc.AttachError, match="kmem_cache_alloc_no_such"):
            b.attach_kprobe(event="kmem_cache_alloc_no_such", fn_name="f")


def test_a_function_whose_callers_call_another_is_a_warning(requires, no_leak):
    requires("kprobes")
    # It went in 6.5.
    gone = not BPF.get_kprobe_functions(b"tcp_sendpage")
    text = "int kprobe__tcp_sendpage(void *ctx) { return 0; }\nint f(void *ctx) { return 0; }"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with BPF(text=text) as b:
            b.attach_kretprobe(event="tcp_sendpage", fn_name="f")
            assert b.num_open_kprobes() == 2
            b.detach_kretprobe("tcp_sendpage")
    texts = [str(w.message) for w in said if w.category is RuntimeWarning]
    why = "this kernel has no tcp_sendpage: its callers call tcp_sendmsg"
    expected = [f"kprobe__tcp_sendpage: {why}", f"f: {why}"]
    assert texts == (expected if gone else [])


def test_kprobe_by_the_programs_name(requires, no_leak):
    requires("kprobes")
    with BPF(text=mine("int kprobe__sys_getpgid(struct pt_regs *ctx) " + HIT)) as b:
        os.getpgid(0)
        assert (hits(b), b.num_open_kprobes()) == (1, 1)


def test_fentry_and_fexit(requires, no_leak):
    requires("fentry")
    text = mine(
        "KFUNC_PROBE(vfs_statx, int dfd) { if (MINE) hit(); return 0; }\n"
        "KRETFUNC_PROBE(vfs_statx, int dfd, struct filename *f, int flags, struct kstat *s, "
        "u32 mask, int ret) { if (MINE && ret == -2) hit(); return 0; }"
    )
    with BPF(text=text) as b:
        assert not os.path.exists("/nonexistent/file")
        assert hits(b) == 2
        with pytest.raises(Exception, match="has been attached"):
            b.attach_kfunc("kfunc__vmlinux__vfs_statx")
        b.detach_kfunc("vmlinux__vfs_statx")
        b.detach_kretfunc("kretfunc__vmlinux__vfs_statx")
        os.path.exists("/nonexistent/file")
        assert hits(b) == 2
        with pytest.raises(Exception, match="is not attached"):
            b.detach_kfunc("vmlinux__vfs_statx")


def test_lsm_hook_denies(requires, no_leak, tmp_path):
    requires("lsm")
    text = "LSM_PROBE(path_mkdir, const struct path *dir) { if (MINE) return -1; return 0; }"
    with BPF(text=mine(text)) as b:
        with pytest.raises(PermissionError):
            os.mkdir(tmp_path / "denied")
        b.detach_lsm("path_mkdir")
        os.mkdir(tmp_path / "allowed")


def test_raw_btf_tracepoint_style_raw_tracepoint(no_leak):
    with BPF(text=mine("int f(struct bpf_raw_tracepoint_args *ctx) " + HIT)) as b:
        b.attach_raw_tracepoint(tp="sys_exit", fn_name="f")
        os.getpgid(0)
        assert hits(b) > 0
        b.detach_raw_tracepoint("sys_exit")
        with pytest.raises(Exception, match="is not attached"):
            b.detach_raw_tracepoint("sys_exit")


def test_tracepoints_by_pattern(no_leak):
    with BPF(text=mine("int f(void *ctx) " + HIT)) as b:
        b.attach_tracepoint(tp_re="syscalls:sys_(enter|exit)_getpgid$", fn_name="f")
        os.getpgid(0)
        assert (hits(b), b.num_open_tracepoints()) == (2, 2)


def test_uprobes_by_pattern_leave_one_by_one(requires, no_leak):
    requires("uprobes")
    with BPF(text=mine("int f(struct pt_regs *ctx) " + HIT)) as b:
        libc = ct.CDLL(None)
        b.attach_uprobe(name="c", sym_re="^(getppid|getpgid|getuid)$", fn_name="f")
        assert b.num_open_uprobes() == 3
        libc.getppid()
        libc.getpgid(0)
        assert hits(b) == 2
        b.detach_uprobe(name="c", sym="getppid")
        libc.getppid()
        libc.getpgid(0)
        libc.getuid()
        assert (hits(b), b.num_open_uprobes()) == (4, 2)
        b.attach_uretprobe(name="c", sym_re="^(getppid|getpgid)$", fn_name="f")
        libc.getppid()
        assert hits(b) == 5


def test_many_uprobes_come_and_go_by_one_call(requires, no_leak):
    requires("uprobe_multi")
    with BPF(text=mine("int f(struct pt_regs *ctx) " + HIT)) as b:
        fds = len(os.listdir("/proc/self/fd"))
        b.attach_uprobe(name="c", sym_re="^str", fn_name="f")
        assert b.num_open_uprobes() > 50 and len(os.listdir("/proc/self/fd")) - fds < 5


# Calls three functions once from its first thread and once from another, when told to.
TWO_THREADS = """
import ctypes, threading
libc = ctypes.CDLL(None)
def call():
    for name in ("getppid", "getpgid", "getsid"):
        libc[name](0)
input()
call()
other = threading.Thread(target=call)
other.start()
other.join()
"""


def test_uprobes_by_pattern_of_one_process_see_all_its_threads_and_no_other_process(no_leak):
    start = functools.partial(subprocess.Popen, stdin=subprocess.PIPE, text=True)
    targets = [start([sys.executable, "-c", TWO_THREADS]) for _ in range(2)]
    with BPF(text=COUNT + "int f(struct pt_regs *ctx) { hit(); return 0; }") as b:
        pattern, pid = "^get(ppid|pgid|sid)$", targets[0].pid
        b.attach_uprobe(name="c", sym_re=pattern, fn_name="f", pid=pid)
        assert b.num_open_uprobes() == 3
        for target in targets:
            target.communicate("\n")
            assert target.returncode == 0
        assert hits(b) == 6


def test_many_uprobes_of_one_process_come_by_one_call(requires, no_leak):
    requires("uprobe_multi_process")
    with BPF(text=mine("int f(struct pt_regs *ctx) " + HIT)) as b:
        fds = len(os.listdir("/proc/self/fd"))
        b.attach_uprobe(name="c", sym_re="^str", fn_name="f", pid=os.getpid())
        assert b.num_open_uprobes() > 50 and len(os.listdir("/proc/self/fd")) - fds < 5


def test_process_0_is_this_one(no_leak):
    with BPF(text=COUNT + "int f(struct pt_regs *ctx) { hit(); return 0; }") as b:
        b.attach_uprobe(name="c", sym_re="^get(ppid|pgid|sid)$", fn_name="f", pid=0)
        with subprocess.Popen([sys.executable, "-c", TWO_THREADS], stdin=subprocess.PIPE, text=True) as other:
            other.communicate("\n")
        ct.CDLL(None).getppid()
        assert (other.returncode, hits(b)) == (0, 1)


def test_uprobes_by_pattern_take_the_number_of_a_thread(no_leak):
    with BPF(text=mine("int f(struct pt_regs *ctx) " + HIT)) as b:

        def attach_to_this_thread():
            pid = threading.get_native_id()
            b.attach_uprobe(name="c", sym_re="^get(ppid|pgid)$", fn_name="f", pid=pid)
            ct.CDLL(None).getppid()

        thread = threading.Thread(target=attach_to_this_thread)
        thread.start()
        thread.join()
        assert (hits(b), b.num_open_uprobes()) == (1, 2)


def test_uprobe_by_address_and_offset(no_leak):
    with BPF(text=mine("int f(struct pt_regs *ctx) " + HIT)) as b:
        libc = ct.CDLL(None)
        (address,) = BPF.get_user_addresses("c", "^getppid$")
        b.attach_uprobe(name="c", addr=address, fn_name="f")
        path = BPF.find_library("c")
        b.attach_uprobe(name=path, sym="getpgid", sym_off=0, fn_name="f", pid=os.getpid())
        libc.getppid()
        libc.getpgid(0)
        assert hits(b) == 2
        names = sorted(b.uprobe_fds)
        assert all(re.fullmatch(rb"p_libc_so_6_0x[0-9a-f]+(_%d)?" % os.getpid(), n) for n in names)
        with pytest.raises(AssertionError):
            b.attach_uprobe(name="c", addr=address, sym_off=4, fn_name="f")


def test_stale_probes_of_dead_processes_are_removed(run_python):
    events = "/sys/kernel/tracing/uprobe_events"
    dead = 4_194_300
    if not os.path.exists(events):
        pytest.skip("no uprobe_events")
    name = f"uprobes/p_test_bcc_{dead}"
    fd = os.open(events, os.O_WRONLY | os.O_APPEND)
    os.write(fd, f"p:{name} /bin/true:0x1000\n".encode())
    os.close(fd)
    assert name in open(events).read()
    done = run_python("from bcc import BPF; BPF(text='int x;')")
    assert done.returncode == 0, done.stderr
    assert name not in open(events).read()


def test_support_answers_are_trials():
    for feature, answer in (
        ("fentry", BPF.support_kfunc()),
        ("lsm", BPF.support_lsm()),
        ("fmod_ret", BPF.support_fmod_ret()),
        ("raw_tracepoint", BPF.support_raw_tracepoint()),
    ):
        assert answer is _native.supports(feature)
    with pytest.raises(ValueError, match="no feature is called nonsense"):
        _native.supports("nonsense")
