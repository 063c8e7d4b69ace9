"""Probes, tracepoints, BTF programs, perf events: attached, hit, detached."""

import ctypes as ct
import errno
import functools
import os
import pathlib
import subprocess
import sys
import zipfile

import bcc
import pytest
from bcc import BPF
from counted import COUNT, MINE, hits


def test_kprobe_and_kretprobe(counter, needs, row):
    needs("kprobes")
    name = counter.get_syscall_fnname(b"getpgid")
    assert counter.attach_kprobe(event=name, fn_name=b"f") is counter
    os.getpgid(0)
    assert hits(counter) == 1
    row("BPF.attach_kprobe", "1 hit")
    counter.attach_kretprobe(event=name, fn_name=b"f", maxactive=4)
    os.getpgid(0)
    assert hits(counter) == 3 and counter.num_open_kprobes() == 2
    row("BPF.attach_kretprobe maxactive=4", "1 hit")
    row("BPF.num_open_kprobes", 2)
    counter.detach_kprobe(name)
    counter.detach_kretprobe(name)
    os.getpgid(0)
    assert hits(counter) == 3 and counter.num_open_kprobes() == 0
    row("BPF.detach_kprobe, detach_kretprobe", "0 hits after")


def test_kprobe_by_pattern(counter, needs, row):
    needs("kprobes")
    assert counter.attach_kprobe(event_re=b".*sys_getp(gid|riority)", fn_name=b"f") is None
    os.getpgid(0)
    assert hits(counter) >= 1
    row("BPF.attach_kprobe event_re", f"{counter.num_open_kprobes()} events, {hits(counter)} hits")


def test_kprobe_multi(counter, needs, row, monkeypatch):
    needs("kprobe_multi")
    monkeypatch.setenv("BCC_PROBE_LIMIT", "100000")
    fds = len(os.listdir("/proc/self/fd"))
    counter.attach_kprobe(event_re=b"(vfs|ksys)_.*", fn_name=b"f")
    opened = len(os.listdir("/proc/self/fd")) - fds
    assert counter.num_open_kprobes() > 30 > opened
    row("kprobe_multi", f"{counter.num_open_kprobes()} functions on {opened} descriptors")


def test_uprobe_uretprobe(counter, row):
    libc = ct.CDLL(None)
    counter.attach_uprobe(name=b"c", sym=b"getppid", fn_name=b"f", pid=os.getpid())
    counter.attach_uretprobe(name=b"c", sym=b"getppid", fn_name=b"f", pid=os.getpid())
    libc.getppid()
    assert hits(counter) == 2 and counter.num_open_uprobes() == 2
    row("BPF.attach_uprobe, attach_uretprobe", "2 hits")
    counter.detach_uprobe(name=b"c", sym=b"getppid", pid=os.getpid())
    counter.detach_uretprobe(name=b"c", sym=b"getppid", pid=os.getpid())
    assert counter.num_open_uprobes() == 0
    row("BPF.detach_uprobe, detach_uretprobe", "0 open")
    counter.attach_uprobe(name=b"c", sym_re=b"^getp(pid|gid)$", fn_name=b"f")
    libc.getppid()
    assert hits(counter) == 3
    row("BPF.attach_uprobe sym_re", f"{counter.num_open_uprobes()} places, 1 hit")


def test_uprobe_multi(counter, needs, row):
    needs("uprobe_multi")
    fds = len(os.listdir("/proc/self/fd"))
    counter.attach_uprobe(name=b"c", sym_re=b"^mem", fn_name=b"f")
    opened = len(os.listdir("/proc/self/fd")) - fds
    assert opened <= 3 < counter.num_open_uprobes()
    row("uprobe_multi", f"{counter.num_open_uprobes()} places on {opened} descriptors")


def test_tracepoints(counter, row):
    counter.attach_tracepoint(tp=b"syscalls:sys_enter_getpgid", fn_name=b"f")
    os.getpgid(0)
    assert (hits(counter), counter.num_open_tracepoints()) == (1, 1)
    row("BPF.attach_tracepoint", "1 hit")
    counter.detach_tracepoint(b"syscalls:sys_enter_getpgid")
    os.getpgid(0)
    assert hits(counter) == 1
    row("BPF.detach_tracepoint", "0 hits after")


def test_raw_tracepoint(row):
    text = COUNT + "int f(struct bpf_raw_tracepoint_args *ctx) { return hit(); }"
    with BPF(text=text.encode(), cflags=MINE) as b:
        b.attach_raw_tracepoint(tp=b"sys_enter", fn_name=b"f")
        os.getpgid(0)
        assert hits(b) > 0
        row("BPF.attach_raw_tracepoint", "hits > 0")
        b.detach_raw_tracepoint(b"sys_enter")
        seen = hits(b)
        os.getpgid(0)
        assert hits(b) == seen
        row("BPF.detach_raw_tracepoint", "0 hits after")
    with BPF(text=b"int f(struct bpf_raw_tracepoint_args *ctx) { return ctx->args[2]; }") as b:
        with pytest.raises(bcc.AttachError, match="reads more arguments than it has") as why:
            b.attach_raw_tracepoint(tp=b"sys_enter", fn_name=b"f")
        assert why.value.errno == errno.EINVAL
        row("BPF.attach_raw_tracepoint, third of two arguments", "EINVAL, named")


def test_btf_tracepoint(needs, row):
    needs("fentry")
    text = COUNT + """BTF_TRACEPOINT_PROBE(sched_process_exec, struct task_struct *task, int old) {
        return task->tgid == PID && old ? hit() : 0; }"""
    child = subprocess.Popen(
        ["sh", "-c", "read line; exec true"], stdin=subprocess.PIPE, text=True
    )
    with BPF(text=text.encode(), cflags=[f"-DPID={child.pid}"]) as b:
        child.communicate("go\n")
        assert hits(b) == 1
        row("BTF_TRACEPOINT_PROBE (own)", "1 exec of the child")
        b.detach_btf_tracepoint(b"sched_process_exec")
        assert b.btf_tracepoint_fds == {}


def test_kfunc_kretfunc(needs, row):
    needs("fentry")
    text = COUNT + (
        "KFUNC_PROBE(vfs_statx) { return hit(); } KRETFUNC_PROBE(vfs_statx) { return hit(); }"
    )
    with BPF(text=text.encode(), cflags=MINE) as b:
        os.path.exists("/nonexistent")
        assert hits(b) == 2
        row("BPF.attach_kfunc, attach_kretfunc", "2 hits")
        b.detach_kfunc(b"vmlinux__vfs_statx")
        b.detach_kretfunc(b"vmlinux__vfs_statx")
        os.path.exists("/nonexistent")
        assert hits(b) == 2
        row("BPF.detach_kfunc, detach_kretfunc", "0 hits after")


def test_lsm(needs, row, tmp_path):
    needs("lsm")
    text = "LSM_PROBE(path_mkdir) { return bpf_get_current_pid_tgid() >> 32 == PID ? -1 : 0; }"
    with BPF(text=text.encode(), cflags=MINE) as b:
        with pytest.raises(PermissionError):
            os.mkdir(tmp_path / "x")
        row("BPF.attach_lsm", "mkdir gave EPERM")
        b.detach_lsm(b"path_mkdir")
        os.mkdir(tmp_path / "x")
        row("BPF.detach_lsm", "mkdir works")


def test_iterator(needs, row):
    needs("fentry")
    text = b"""BPF_ITER(task) {
        struct seq_file *seq = ctx->meta->seq;
        struct task_struct *task = ctx->task;
        if (task == (void *)0) return 0;
        u32 id = task->tgid;
        bpf_seq_write(seq, &id, sizeof(id));
        return 0;
    }"""
    with BPF(text=text) as b, b.load_func(b"bpf_iter__task", BPF.TRACING).open_iterator() as ids:
        assert os.getpid() in memoryview(ids.read()).cast("I").tolist()
    row("Function.open_iterator (own)", "this process is listed")


def test_functions_that_cannot_be_traced_are_skipped(counter, needs, row, monkeypatch):
    needs("kprobes")
    monkeypatch.setattr(
        "bcc.kernel.KernelMixin.get_kprobe_functions",
        staticmethod(lambda pattern: {b"vfs_read", b"no_such_function", b"vfs_statx"}),
    )
    counter.attach_kprobe(event_re=b"whatever", fn_name=b"f")
    os.path.exists("/nonexistent")
    assert counter.untraceable == [b"no_such_function"] and counter.num_open_kprobes() == 2
    assert hits(counter) >= 1
    row("BPF.untraceable (own)", counter.untraceable)


def test_get_kprobe_functions(needs, row):
    needs("kprobes")
    found = BPF.get_kprobe_functions(b"vfs_(read|write)")
    assert found == {b"vfs_read", b"vfs_write"}
    row("BPF.get_kprobe_functions", sorted(found))
    assert BPF.get_kprobe_functions(b"no_such_.*") == set()


def test_offset_of_a_kprobe(counter, needs, row):
    needs("kprobes")
    name = counter.get_syscall_fnname(b"getpgid")
    with pytest.raises(bcc.AttachError, match="not traceable"):
        counter.attach_kprobe(event=b"no_such_function", fn_name=b"f")
    counter.attach_kprobe(event=name, event_off=0, fn_name=b"f")
    assert list(counter.kprobe_fds) == [b"p_" + name]
    row("BPF.kprobe_fds", list(counter.kprobe_fds)[0].decode())


def test_fmod_ret(needs, row):
    needs("fmod_ret")
    text = COUNT + "KMOD_RET(security_file_open, struct file *file, int ret) { hit(); return ret; }"
    with BPF(text=text.encode(), cflags=MINE) as b:
        b.attach_fmod_ret(b"security_file_open")
        open("/dev/null").close()
        assert hits(b) >= 1
        row("BPF.attach_fmod_ret", f"{hits(b)} hits")
        b.detach_fmod_ret(b"kmod_ret__security_file_open")
        seen = hits(b)
        open("/dev/null").close()
        assert hits(b) == seen
        row("BPF.detach_fmod_ret", "0 hits after")


# A program in a mount namespace where the library has another path.
ELSEWHERE = """
mount --make-rprivate /
mount -t tmpfs none {place}
cp {library} {place}/libmoved.so.1
exec env LD_PRELOAD={place}/libmoved.so.1 {python} -c '
import ctypes, sys
moved = ctypes.CDLL("{place}/libmoved.so.1")
print("ready", flush=True)
for line in sys.stdin:
    moved.compressBound(9); print("called", flush=True)
'
"""


def test_library_of_another_mount_namespace(row, tmp_path):
    library = BPF.find_library(b"z")
    if not library:
        pytest.skip("no libz here")
    place = tmp_path / "place"
    place.mkdir()
    script = ELSEWHERE.format(place=place, library=library.decode(), python=sys.executable)
    text = COUNT.replace("== PID", "== TARGET") + "int f(void *ctx) { return hit(); }"
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:
        assert child.stdout.readline() == "ready\n"
        assert not (place / "libmoved.so.1").exists()
        with BPF(text=text.encode(), cflags=[f"-DTARGET={child.pid}"]) as b:
            b.attach_uprobe(name=b"moved", sym=b"compressBound", fn_name=b"f", pid=child.pid)
            child.stdin.write("x\n")
            child.stdin.flush()
            assert child.stdout.readline() == "called\n"
            assert hits(b) == 1
        child.stdin.close()
    row("BPF.attach_uprobe in another mount namespace", "1 hit")


def test_member_of_an_archive(row, tmp_path):
    """A library stored in a ZIP archive, mapped by its place there, as Android's linker does."""
    programs = pathlib.Path(__file__).resolve().parents[1] / "programs"
    (tmp_path / "l.c").write_text("int answer(void) { return 42; }\n")
    run = functools.partial(subprocess.run, check=True, cwd=tmp_path)
    run(["gcc", "-O1", "-shared", "-fPIC", "-o", "libanswer.so", "l.c"])
    run(["gcc", "-O1", "-o", "mapper", programs / "archive.c"])
    # Members are page-aligned by a first one that fills what is left of the page.
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        head = 30 + len("fill") + 30 + len("libanswer.so")
        made.writestr("fill", bytes(4096 - head))
        made.write(tmp_path / "libanswer.so", "libanswer.so")
    archive = tmp_path / "a.zip"
    data = archive.read_bytes()
    start = data.index(b"\x7fELF")
    assert start == 4096
    size = (tmp_path / "libanswer.so").stat().st_size
    nm = run(["nm", "-D", "libanswer.so"], capture_output=True, text=True).stdout
    address = int(next(line.split()[0] for line in nm.splitlines() if line.endswith(" T answer")), 16)
    text = COUNT.replace("== PID", "!= 0") + "int f(void *ctx) { return hit(); }"
    with BPF(text=text.encode()) as b:
        b.attach_uprobe(name=f"{archive}!/libanswer.so".encode(), sym=b"answer", fn_name=b"f")
        done = run(
            ["./mapper", archive, str(start), str(size), hex(address)],
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )
        assert done.stdout.startswith("returned_42")
        assert hits(b) == 1
    row("BPF.attach_uprobe archive!/member", "1 hit")


def test_events_of_kprobes_by_name(counter, needs, row):
    needs("kprobes")
    name = counter.get_syscall_fnname(b"getpgid")
    counter.attach_kprobe(event=name, fn_name=b"f")
    counter.detach_kprobe_event_by_fn(b"p_" + name, b"f")
    assert counter.num_open_kprobes() == 1
    counter.detach_kprobe_event(b"p_" + name)
    assert counter.num_open_kprobes() == 0
    with pytest.raises(KeyError):
        counter.detach_kprobe_event(b"p_" + name)
    row("detach_kprobe_event, detach_kprobe_event_by_fn", "the event stays, then goes")
