"""The Python API, row by row: each test asserts a value and shows it."""

import asyncio
import ctypes as ct
import gc
import inspect
import multiprocessing
import os
import socket
import subprocess
import threading
import time
from multiprocessing import resource_tracker

import bcc
import pytest
from bcc import BPF, BPFAttachType, BPFProgType, PerfSWConfig, PerfType, XDPFlags

COUNT = """
BPF_ARRAY(hits, u64, 1);
static inline int hit(void) {
    int zero = 0;
    u64 *n = hits.lookup(&zero);
    if (n && bpf_get_current_pid_tgid() >> 32 == PID) __sync_fetch_and_add(n, 1);
    return 0;
}
"""
MINE = [f"-DPID={os.getpid()}"]
# How long two threads compile, load and poll beside each other.
SOAK_SECONDS = float(os.environ.get("BCC_SOAK_SECONDS", "5"))
EVENTS = """
struct event { u32 n; char comm[16]; };
BPF_PERF_OUTPUT(perf);
BPF_RINGBUF_OUTPUT(ring, 8);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    struct event e = { .n = 7 };
    if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
    bpf_get_current_comm(&e.comm, sizeof(e.comm));
    perf.perf_submit(args, &e, sizeof(e));
    ring.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
"""


@pytest.fixture
def counter():
    text = COUNT + "int f(void *ctx) { return hit(); }"
    with BPF(text=text.encode(), cflags=MINE) as b:
        yield b


def hits(b):
    return b[b"hits"][0].value


NAMES = """BPF USDT USDTException Perf PerfType PerfHWConfig PerfSWConfig PerfEventSampleFormat BPFProgType
BPFAttachType XDPAction XDPFlags SymbolCache Table PerfEventArray RingBuf BPF_MAP_TYPE_QUEUE
BPF_MAP_TYPE_STACK DEBUG_LLVM_IR DEBUG_BPF DEBUG_PREPROCESSOR DEBUG_SOURCE DEBUG_BPF_REGISTER_STATE DEBUG_BTF
DEBUGFS TRACEFS get_online_cpus printb ArgString StrcmpRewrite _assert_is_bytes _get_num_open_probes lib
bcc_symbol bcc_symbol_option bcc_stacktrace_build_id __version__ os re ct json platform""".split()


@pytest.mark.parametrize("name", NAMES)
def test_name_of_the_package(name, row):
    value = getattr(bcc, name)
    assert value is not None
    row(f"bcc.{name}", type(value).__name__)


CONSTANTS = {
    "PerfType": {"HARDWARE": 0, "BREAKPOINT": 5},
    "PerfHWConfig": {"CPU_CYCLES": 0, "REF_CPU_CYCLES": 9},
    "PerfSWConfig": {"CPU_CLOCK": 0, "BPF_OUTPUT": 10},
    "PerfEventSampleFormat": {"IP": 1, "WEIGHT_STRUCT": 1 << 24},
    "BPFProgType": {"SOCKET_FILTER": 1, "CGROUP_SOCKOPT": 25, "LSM": 29},
    "BPFAttachType": {"CGROUP_INET_INGRESS": 0, "TRACE_ITER": 28, "SK_SKB_VERDICT": 38},
    "XDPAction": {"XDP_ABORTED": 0, "XDP_REDIRECT": 4},
    "XDPFlags": {"UPDATE_IF_NOEXIST": 1, "REPLACE": 16},
    "BPF": {"CLOCK_MONOTONIC": 1, "KPROBE": 2, "XDP_DROP": 1, "XDP_FLAGS_SKB_MODE": 2},
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(name, row):
    found = {key: getattr(getattr(bcc, name), key) for key in CONSTANTS[name]}
    assert found == CONSTANTS[name]
    row(f"constants {name}", found)


SIGNATURES = {
    "load_func": "func_name, prog_type, device=None, attach_type=-1",
    "load_funcs": "prog_type=2",
    "get_table": "name, keytype=None, leaftype=None, reducer=None",
    "attach_kprobe": "event=b'', event_off=0, fn_name=b'', event_re=b''",
    "attach_kretprobe": "event=b'', fn_name=b'', event_re=b'', maxactive=0",
    "detach_kprobe": "event, fn_name=None",
    "detach_kretprobe": "event, fn_name=None",
    "attach_uprobe": "name=b'', sym=b'', sym_re=b'', addr=None, fn_name=b'', pid=-1, sym_off=0",
    "attach_uretprobe": "name=b'', sym=b'', sym_re=b'', addr=None, fn_name=b'', pid=-1",
    "attach_tracepoint": "tp=b'', tp_re=b'', fn_name=b''",
    "attach_raw_tracepoint": "tp=b'', fn_name=b''",
    "attach_kfunc": "fn_name=b''",
    "attach_kretfunc": "fn_name=b''",
    "attach_fmod_ret": "fn_name=b''",
    "attach_lsm": "fn_name=b''",
    "trace_fields": "nonblocking=False",
    "trace_print": "fmt=None",
    "perf_buffer_poll": "timeout=-1",
    "ring_buffer_poll": "timeout=-1",
    "sym": "addr, pid, show_module=False, show_offset=False, demangle=True",
    "ksym": "addr, show_module=False, show_offset=False",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name, row):
    shown = str(inspect.signature(getattr(BPF, name)))[1:-1].removeprefix("self, ")
    # What is ours comes after what is upstream's.
    assert shown.startswith(SIGNATURES[name])
    row(f"signature BPF.{name}", f"({shown})")


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
        row("BPF.detach_raw_tracepoint", "ok")


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
    with BPF(text=text.encode(), cflags=MINE):
        with pytest.raises(PermissionError):
            os.mkdir(tmp_path / "x")
    row("BPF.attach_lsm", "mkdir gave EPERM")


def test_perf_event(row):
    text = COUNT + "int f(struct bpf_perf_event_data *ctx) { return hit(); }"
    with BPF(text=text.encode(), cflags=MINE) as b:
        b.attach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK, b"f", sample_freq=999)
        while hits(b) == 0:
            sum(range(10_000))
        row("BPF.attach_perf_event", "samples > 0")
        b.detach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)
        attr = bcc.Perf.perf_event_attr()
        attr.type, attr.config = PerfType.SOFTWARE, PerfSWConfig.TASK_CLOCK
        attr.sample_period = 1_000_000
        seen = hits(b)
        b.attach_perf_event_raw(attr, b"f", pid=os.getpid())
        while hits(b) == seen:
            sum(range(10_000))
        row("BPF.attach_perf_event_raw", "samples > 0")


def test_program_methods(row):
    with BPF(text=b"int f(struct __sk_buff *skb) { return 3; }") as b:
        f = b.load_func(b"f", BPF.SOCKET_FILTER)
        assert (f.name, f.bpf, type(f.fd)) == (b"f", b, int)
        row("BPF.load_func, BPF.Function", f"name {f.name}, fd int")
        assert [fn.name for fn in b.load_funcs(BPF.SOCKET_FILTER)] == [b"f"]
        row("BPF.load_funcs", [b"f"])
        assert b.dump_func(b"f") == bytes.fromhex("b700000003000000 9500000000000000")
        row("BPF.dump_func", "b7..03 95")
        assert b.disassemble_func(b"f").splitlines()[1] == "   0: (b7) r0 = 3"
        row("BPF.disassemble_func", "0: (b7) r0 = 3")
        retval, _data, _ctx, _ns = f.test_run(bytes(64), repeat=2)
        assert retval == 3
        row("Function.test_run (own)", retval)
        info = f.info()
        assert info["name"] == "f" and info["type"] == BPF.SOCKET_FILTER
        row("Function.info (own)", {key: info[key] for key in ("name", "type", "xlated_len")})
        path = f"/sys/fs/bpf/bcc_api_{os.getpid()}"
        if os.path.ismount("/sys/fs/bpf"):
            f.pin(path)
            fd = bcc.lib.bpf_obj_get(path.encode())
            assert fd >= 0
            os.close(fd)
            os.unlink(path)
            row("Function.pin (own)", "reopened")


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


@pytest.fixture
def link_pair():
    """An interface pair of the test's own, in this namespace."""
    names = [f"bccA{os.getpid() % 100000}", f"bccB{os.getpid() % 100000}"]
    made = subprocess.run(
        ["ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1]],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.skip(f"no veth here: {made.stderr.strip()}")
    for name in names:
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    yield names[0]
    subprocess.run(["ip", "link", "del", names[0]], check=True)


def _attached(dev):
    return subprocess.run(
        ["ip", "-d", "link", "show", dev], capture_output=True, text=True, check=True
    ).stdout


def test_xdp(link_pair, row):
    with BPF(text=b"int f(struct xdp_md *ctx) { return XDP_PASS; }") as b:
        f = b.load_func(b"f", BPF.XDP)
        BPF.attach_xdp(link_pair, f, XDPFlags.SKB_MODE)
        assert "xdpgeneric" in _attached(link_pair)
        row("BPF.attach_xdp SKB_MODE", "xdpgeneric")
        BPF.remove_xdp(link_pair, XDPFlags.SKB_MODE)
        assert "xdp" not in _attached(link_pair)
        row("BPF.remove_xdp", "no xdp")
        BPF.attach_xdp(link_pair, f, 0)
        assert "xdp" in _attached(link_pair)
        BPF.remove_xdp(link_pair, 0)
        row("BPF.attach_xdp native", "xdp")
        link = f.attach_xdp_link(link_pair)
        assert "xdp" in _attached(link_pair)
        link.detach()
        assert "xdp" not in _attached(link_pair)
        row("Function.attach_xdp_link (own)", "on, then off")
        with pytest.raises(bcc.AttachError, match="Failed to attach BPF to device no_such"):
            BPF.attach_xdp(b"no_such", f)


def test_tc(link_pair, row):
    with BPF(text=b"int f(struct __sk_buff *skb) { return 0; }") as b:
        f = b.load_func(b"f", BPF.SCHED_CLS)
        link = f.attach_tc(link_pair, "egress", clsact=True)
        shown = ["tc", "filter", "show", "dev", link_pair, "egress"]
        assert " f " in subprocess.run(shown, capture_output=True, text=True).stdout
        link.detach()
        assert subprocess.run(shown, capture_output=True, text=True).stdout == ""
        row("Function.attach_tc clsact (own)", "shown by tc, then gone")
        if bcc._native.supports("tcx"):
            f.attach_tc(link_pair).detach()
            row("Function.attach_tc tcx (own)", "attached, detached")


def test_pyroute2(link_pair, row):
    pyroute2 = pytest.importorskip("pyroute2")
    with BPF(text=b"int f(struct __sk_buff *skb) { return 0; }") as b:
        f = b.load_func(b"f", BPF.SCHED_CLS)
        with pyroute2.IPRoute() as ip:
            index = ip.link_lookup(ifname=link_pair)[0]
            ip.tc("add", "clsact", index)
            ip.tc(
                "add-filter", "bpf", index, ":1", fd=f.fd, name=f.name, parent="ffff:fff2",
                classid=1, direct_action=True,
            )
            shown = ["tc", "filter", "show", "dev", link_pair, "ingress"]
            out = subprocess.run(shown, capture_output=True, text=True).stdout
            assert "direct-action" in out
    row("pyroute2 with fn.fd", "direct-action")


def test_raw_socket(row):
    with BPF(text=b"int f(struct __sk_buff *skb) { return -1; }") as b:
        f = b.load_func(b"f", BPF.SOCKET_FILTER)
        BPF.attach_raw_socket(f, b"lo")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"x" * 9, ("127.0.0.1", 9))
        assert len(os.read(f.sock, 2048)) > 0 and not os.get_blocking(f.sock)
        os.close(f.sock)
    row("BPF.attach_raw_socket", "a packet read, non-blocking")


def test_attach_func(row, tmp_path):
    subprocess.run(["mount", "-t", "cgroup2", "none", str(tmp_path)], check=True)
    try:
        group = tmp_path / f"bcc_api_{os.getpid()}"
        group.mkdir()
        fd = os.open(group, os.O_RDONLY)
        for prog_type, attach_type, arg, name in (
            (BPFProgType.CGROUP_SKB, BPFAttachType.CGROUP_INET_EGRESS, "__sk_buff", "cgroup_skb"),
            (BPFProgType.CGROUP_SOCK, BPFAttachType.CGROUP_INET_SOCK_CREATE, "bpf_sock", "cgroup_sock"),
            (BPFProgType.SOCK_OPS, BPFAttachType.CGROUP_SOCK_OPS, "bpf_sock_ops", "sock_ops"),
            (BPFProgType.CGROUP_DEVICE, BPFAttachType.CGROUP_DEVICE, "bpf_cgroup_dev_ctx", "cgroup_device"),
        ):
            with BPF(text=b"int f(struct %s *ctx) { return 1; }" % arg.encode()) as b:
                f = b.load_func(b"f", prog_type)
                b.attach_func(f, fd, attach_type)
                b.detach_func(f, fd, attach_type)
                with pytest.raises(Exception, match="Failed to detach"):
                    b.detach_func(f, fd, attach_type)
                row(f"BPF.attach_func {name}", "attached, detached once")
        os.close(fd)
        group.rmdir()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_perf_buffer(row):
    with BPF(text=EVENTS.encode(), cflags=MINE) as b:
        seen = []
        perf = b[b"perf"]
        perf.open_perf_buffer(lambda cpu, data, size: seen.append((perf.event(data).n, size)), page_cnt=16)
        os.getpgid(0)
        b.perf_buffer_poll(timeout=1000)
        assert seen[0][0] == 7
        row("PerfEventArray.open_perf_buffer, event", f"n {seen[0][0]}")
        os.getpgid(0)
        b.perf_buffer_consume()
        assert len(seen) == 2
        row("BPF.perf_buffer_consume", len(seen))
        assert perf.fileno() >= 0
        row("PerfEventArray.fileno (own)", "int")
        with pytest.raises(Exception, match="power of two"):
            perf.open_perf_buffer(print, page_cnt=3)

        def broken(cpu, data, size):
            raise RuntimeError("mine")

        perf.open_perf_buffer(broken)
        os.getpgid(0)
        with pytest.raises(RuntimeError, match="mine"):
            b.perf_buffer_poll(timeout=1000)
        row("exception in a callback", "RuntimeError: mine")


def test_ring_buffer(row):
    with BPF(text=EVENTS.encode(), cflags=MINE) as b:
        with pytest.raises(Exception, match="No ring buffers to poll"):
            b.ring_buffer_poll()
        seen = []
        ring = b[b"ring"]
        ring.open_ring_buffer(lambda ctx, data, size: seen.append(ring.event(data).n))
        os.getpgid(0)
        b.ring_buffer_poll(timeout=1000)
        assert seen == [7]
        row("RingBuf.open_ring_buffer, BPF.ring_buffer_poll", seen)
        os.getpgid(0)
        b.ring_buffer_consume()
        assert seen == [7, 7] and ring.fileno() >= 0
        row("BPF.ring_buffer_consume", seen)


def test_async_for(row):
    async def first(table):
        async for event in table:
            return event.n

    for name in (b"perf", b"ring"):
        with BPF(text=EVENTS.encode(), cflags=MINE) as b:

            async def main(b=b, name=name):
                waiting = asyncio.ensure_future(first(b[name]))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                os.getpgid(0)
                return await waiting

            assert asyncio.run(main()) == 7
            row(f"async for on {name.decode()} (own)", "n 7")


def test_trace_pipe(row):
    text = b"""TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        if (bpf_get_current_pid_tgid() >> 32 == PID) bpf_trace_printk("x=%d", 5);
        return 0; }"""
    with BPF(text=text, cflags=MINE) as b:
        assert b.trace_fields(nonblocking=True) == (None,) * 6
        row("BPF.trace_fields nonblocking", "six None")
        os.getpgid(0)
        fields = b.trace_fields()
        assert fields[1] == os.getpid() and fields[5] == b"x=5"
        row("BPF.trace_fields", fields[5])
        os.getpgid(0)
        assert b"x=5" in b.trace_readline()
        row("BPF.trace_readline", "x=5")


def test_introspection(row):
    with BPF(text=b"BPF_HASH(t, u32, u64, 77);") as b:
        assert b.decode_table(b"t").startswith("Layout of BPF map t (type HASH, FD ")
        row("BPF.decode_table", "Layout of BPF map t (type HASH, ...")
        table = b[b"t"]
        assert table.info()["max_entries"] == 77
        row("Table.info (own)", "max_entries 77")
        assert len(b) == 1 and list(b) == [b"t"]
        row("BPF mapping protocol", [b"t"])
    for name, value in {
        "tracepoint_exists": BPF.tracepoint_exists("sched", "sched_switch"),
        "kernel_struct_has_field": BPF.kernel_struct_has_field(b"task_struct", b"pid"),
        "kernel_enum_has_val": BPF.kernel_enum_has_val(b"bpf_prog_type", b"BPF_PROG_TYPE_XDP"),
        "support_raw_tracepoint": BPF.support_raw_tracepoint(),
        "find_exe": BPF.find_exe(b"sh"),
        "find_library": BPF.find_library(b"c"),
        "get_tracepoints": len(BPF.get_tracepoints(b"sched:")),
        "get_user_functions": len(BPF.get_user_functions(b"c", b"^mem")),
        "get_user_addresses": len(BPF.get_user_addresses(b"c", b"^mem")),
        "ksymname": BPF.ksymname(b"schedule") > 0,
        "monotonic_time": BPF.monotonic_time() > 0,
        "get_probe_limit": BPF.get_probe_limit(),
    }.items():
        assert value
        row(f"BPF.{name}", value)
    for name in ("support_kfunc", "support_lsm", "support_fmod_ret", "support_raw_tracepoint_in_module"):
        value = getattr(BPF, name)()
        assert value in (True, False)
        row(f"BPF.{name}", value)


TABLES = {
    "HASH": ("BPF_HASH(t, u32, u64)", "HashTable"),
    "ARRAY": ("BPF_ARRAY(t, u64, 4)", "Array"),
    "PROG_ARRAY": ("BPF_PROG_ARRAY(t, 4)", "ProgArray"),
    "PERF_EVENT_ARRAY": ("BPF_PERF_OUTPUT(t)", "PerfEventArray"),
    "PERCPU_HASH": ("BPF_PERCPU_HASH(t, u32, u64)", "PerCpuHash"),
    "PERCPU_ARRAY": ("BPF_PERCPU_ARRAY(t, u64, 4)", "PerCpuArray"),
    "LPM_TRIE": ("struct k { u32 len; u32 ip; }; BPF_LPM_TRIE(t, struct k, u64)", "LpmTrie"),
    "STACK_TRACE": ("BPF_STACK_TRACE(t, 64)", "StackTrace"),
    "LRU_HASH": ('BPF_TABLE("lru_hash", u32, u64, t, 64)', "LruHash"),
    "LRU_PERCPU_HASH": ('BPF_TABLE("lru_percpu_hash", u32, u64, t, 64)', "LruPerCpuHash"),
    "CGROUP_ARRAY": ("BPF_CGROUP_ARRAY(t, 2)", "CgroupArray"),
    "DEVMAP": ("BPF_DEVMAP(t, 4)", "DevMap"),
    "CPUMAP": ("BPF_CPUMAP(t, 2)", "CpuMap"),
    "XSKMAP": ("BPF_XSKMAP(t, 4)", "XskMap"),
    "QUEUE": ("BPF_QUEUE(t, u64, 4)", "QueueStack"),
    "STACK": ("BPF_STACK(t, u64, 4)", "QueueStack"),
    "RINGBUF": ("BPF_RINGBUF_OUTPUT(t, 8)", "RingBuf"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_table_class(kind, row):
    text, expected = TABLES[kind]
    with BPF(text=text.encode() + b";") as b:
        assert type(b[b"t"]).__name__ == expected
    row(f"table class of {kind}", expected)


def test_table_methods(row):
    with BPF(text=b"BPF_HASH(t, u32, u64, 64);") as b:
        t = b[b"t"]
        t[ct.c_int(1)] = ct.c_ulonglong(10)
        t[t.Key(2)] = t.Leaf(20)
        assert t[t.Key(1)].value == 10 and len(t) == 2
        row("t[k], t[k] = v, len", "10, 2")
        assert sorted((k.value, v.value) for k, v in t.items()) == [(1, 10), (2, 20)]
        row("items, values, keys", "2 pairs")
        assert sorted((k.value, v.value) for k, v in t.items_lookup_batch()) == [(1, 10), (2, 20)]
        row("items_lookup_batch", "2 pairs")
        t.items_update_batch((t.Key * 2)(3, 4), (t.Leaf * 2)(30, 40))
        assert len(t) == 4
        row("items_update_batch", 4)
        t.items_delete_batch((t.Key * 1)(4))
        assert len(t) == 3
        row("items_delete_batch", 3)
        t.items_lookup_and_delete_batch()
        assert len(t) == 3
        assert len(list(t.items_lookup_and_delete_batch())) == 3 and len(t) == 0
        row("items_lookup_and_delete_batch", "a generator; 3, then 0")
        t[t.Key(9)] = t.Leaf(1)
        t.zero()
        assert t[t.Key(9)].value == 0
        t.clear()
        assert len(t) == 0
        row("zero, clear", "0")
        with pytest.raises(KeyError):
            t[t.Key(1)]
        assert t.key_sprintf(t.Key(5)) == b"0x5" and t.key_scanf(b"0x6").value == 6
        row("key_sprintf, key_scanf", "0x5, 6")


def test_queue_methods(row):
    with BPF(text=b"BPF_QUEUE(q, u64, 2); BPF_STACK(s, u64, 2);") as b:
        q, s = b[b"q"], b[b"s"]
        for table in (q, s):
            table.push(ct.c_uint64(1))
            table.push(ct.c_uint64(2))
        assert (q.peek().value, q.pop().value, s.pop().value) == (1, 1, 2)
        row("QueueStack push, peek, pop", "1 1 2")


def _in_child(queue):
    with BPF(text=b"BPF_ARRAY(t, u64, 2);") as b:
        b[b"t"][1] = ct.c_uint64(5)
        queue.put(b[b"t"][1].value)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(method, row):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    child.join()
    assert child.exitcode == 0 and queue.get() == 5
    # `spawn` starts a process beside it, to which a pipe stays open.
    resource_tracker._resource_tracker._stop()
    row(f"multiprocessing {method}", 5)


def test_threads_compile_load_and_poll_at_once(row):
    failures, done = [], []
    end = time.monotonic() + SOAK_SECONDS

    def work(number):
        turn = 0
        try:
            while time.monotonic() < end:
                turn += 1
                text = EVENTS.encode() + b"\nBPF_ARRAY(extra, u64, %d);" % (1 + number * 10_000 + turn)
                with BPF(text=text, cflags=[f"-DPID={os.getpid()}"]) as b:
                    seen = []
                    b[b"ring"].open_ring_buffer(lambda ctx, data, size, seen=seen: seen.append(size))
                    os.getpgid(0)
                    b.ring_buffer_poll(timeout=1000)
                    assert seen and len(b[b"extra"]) == 1 + number * 10_000 + turn
                    done.append(1)
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    row("two threads compile, load, poll", f"{len(done)} objects in {SOAK_SECONDS:.0f} s")


def _rss():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def _attached_and_left():
    with BPF(text=EVENTS.encode(), cflags=[f"-DPID={os.getpid()}"]) as b:
        seen = []
        b[b"ring"].open_ring_buffer(lambda ctx, data, size: seen.append(size))
        b[b"perf"].open_perf_buffer(lambda cpu, data, size: seen.append(size))
        os.getpgid(0)
        b.ring_buffer_poll()
        b.perf_buffer_poll()
        assert len(seen) == 2


def _dropped():
    b = BPF(text=b"BPF_HASH(t, u32, u64, 64); int f(void *ctx) { return 0; }")
    b.load_func(b"f", BPF.SOCKET_FILTER)
    assert len(b[b"t"]) == 0


@pytest.mark.parametrize("one", [_attached_and_left, _dropped])
def test_two_hundred_objects_leave_memory_flat(row, one):
    for _ in range(20):
        one()
    gc.collect()
    before, fds = _rss(), len(os.listdir("/proc/self/fd"))
    for _ in range(200):
        one()
    gc.collect()
    grown = _rss() - before
    assert grown < 2048 and len(os.listdir("/proc/self/fd")) == fds
    row(f"200 BPF objects{one.__name__.replace('_', ' ')}", f"RSS +{grown} KiB, descriptors +0")


BLOCKING = {
    "perf_buffer_poll": "b[b'perf'].open_perf_buffer(print); b.perf_buffer_poll()",
    "ring_buffer_poll": "b[b'ring'].open_ring_buffer(print); b.ring_buffer_poll()",
    "trace_readline": "b.trace_readline()",
    "trace_fields": "b.trace_fields()",
    "trace_print": "b.trace_print()",
}


@pytest.mark.parametrize("call", BLOCKING)
def test_ctrl_c(call, row):
    script = (
        "import signal, sys, threading, os\n"
        "from bcc import BPF\n"
        f"b = BPF(text={EVENTS.encode()!r}, cflags=['-DPID=1'])\n"
        "b[b'perf']; b[b'ring']\n"
        "def interrupt():\n"
        "    while open(f'/proc/self/task/{os.getpid()}/stat').read().split()[2] != 'S': pass\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "try:\n"
        "    threading.Thread(target=interrupt).start()\n"
        f"    {BLOCKING[call]}\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    done = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
    row(f"Ctrl-C in {call}", "KeyboardInterrupt")


def test_debug_source(row, capfd):
    BPF(text=b"int f(void *ctx) {\n    return 5;\n}\n", debug=bcc.DEBUG_SOURCE).cleanup()
    shown = capfd.readouterr().err
    assert "Disassembly of function f" in shown and "r0 = 5" in shown and "Line   2" in shown
    row("DEBUG_SOURCE", "instructions with lines")
