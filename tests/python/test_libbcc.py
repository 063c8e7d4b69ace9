"""The C functions that scripts reach through `bcc.libbcc.lib`."""

import ctypes as ct
import errno
import os
import re
import socket

import pytest
from bcc import BPF, PerfSWConfig, PerfType, lib
from bcc.libbcc import (
    _ELF_SYM_CB,
    _LOST_CB_TYPE,
    _RAW_CB_TYPE,
    _RINGBUF_CB_TYPE,
    _SYM_CB_TYPE,
    bcc_symbol,
    bcc_symbol_option,
    bpf_test_run_opts,
)
from bcc.prototypes import C_FUNCTIONS

NOTHING = "int f(void *ctx) { return 0; }"


def test_every_declared_function_is_there():
    names = re.findall(r" (\w+)\(", C_FUNCTIONS)
    assert all(getattr(lib, name) for name in names) and len(names) > 150


def test_elements(no_leak):
    with BPF(text="BPF_HASH(t, u32, u64); BPF_QUEUE(q, u64, 4);") as b:
        fd = lib.bpf_table_fd(b.module, b"t")
        for n in range(3):
            assert lib.bpf_update_elem(fd, ct.byref(ct.c_uint32(n)), ct.byref(ct.c_uint64(n * n)), 0) == 0
        value, key = ct.c_uint64(), ct.c_uint32()
        assert lib.bpf_lookup_elem(fd, ct.byref(ct.c_uint32(2)), ct.byref(value)) == 0 and value.value == 4
        seen = set()
        status = lib.bpf_get_first_key(fd, ct.byref(key), 4)
        while status == 0:
            seen.add(key.value)
            status = lib.bpf_get_next_key(fd, ct.byref(key), ct.byref(key))
        assert seen == {0, 1, 2} and ct.get_errno() == 2
        assert lib.bpf_delete_elem(fd, ct.byref(key)) in (0, -1)
        assert lib.bpf_lookup_elem(fd, ct.byref(ct.c_uint32(9)), ct.byref(value)) == -1
        assert ct.get_errno() == 2
        keys, values, count = (ct.c_uint32 * 2)(7, 8), (ct.c_uint64 * 2)(70, 80), ct.c_uint32(2)
        assert lib.bpf_update_batch(fd, keys, values, ct.byref(count)) == 0
        assert b["t"][ct.c_uint32(8)].value == 80
        assert lib.bpf_delete_batch(fd, keys, ct.byref(count)) == 0 and count.value == 2
        queue = lib.bpf_table_fd(b.module, b"q")
        assert lib.bpf_update_elem(queue, None, ct.byref(ct.c_uint64(5)), 0) == 0
        assert lib.bpf_lookup_and_delete(queue, None, ct.byref(value)) == 0 and value.value == 5
    made = lib.bcc_create_map(1, b"made", 4, 8, 16, 0)
    assert lib.bpf_update_elem(made, ct.byref(ct.c_uint32(1)), ct.byref(ct.c_uint64(2)), 0) == 0
    os.close(made)
    assert lib.bpf_lookup_elem(-1, None, None) == -1 and ct.get_errno() == 9


def test_programs_are_found_loaded_and_run(no_leak):
    text = "int f(struct __sk_buff *skb) { return skb->len; }"
    with BPF(text=text) as b:
        size = lib.bpf_function_size(b.module, b"f")
        assert ct.string_at(lib.bpf_function_start(b.module, b"f"), size) == b.dump_func("f")
        assert lib.bpf_function_start(b.module, b"no_such") is None
        fd = lib.bcc_func_load(
            b.module, BPF.SOCKET_FILTER, b"f", None, 0, b"GPL", 0, 0, None, 0, None, -1
        )
        packet = ct.create_string_buffer(bytes(64), 64)
        out = ct.create_string_buffer(256)
        opts = bpf_test_run_opts(
            sz=ct.sizeof(bpf_test_run_opts),
            data_in=ct.cast(packet, ct.c_void_p),
            data_size_in=64,
            data_out=ct.cast(out, ct.c_void_p),
            data_size_out=256,
            repeat=3,
        )
        assert lib.bpf_prog_test_run_opts(fd, ct.byref(opts)) == 0
        # A socket filter sees what comes after the Ethernet header.
        assert (opts.retval, opts.data_size_out) in ((50, 64), (64, 64), (50, 50))
        tag, first = ct.c_ulonglong(), ct.c_uint()
        assert lib.bpf_prog_get_tag(fd, ct.byref(tag)) == 0
        assert f"prog_tag:\t{tag.value:016x}" in open(f"/proc/self/fdinfo/{fd}").read()
        ids, at = set(), 0
        while lib.bpf_prog_get_next_id(at, ct.byref(first)) == 0:
            at = first.value
            ids.add(at)
        info = open(f"/proc/self/fdinfo/{fd}").read()
        assert int(info.split("prog_id:")[1].split()[0]) in ids
        copy = lib.bpf_prog_get_fd_by_id(at)
        if copy >= 0:
            os.close(copy)
        sock = lib.bpf_open_raw_sock(b"lo")
        assert lib.bpf_attach_socket(sock, fd) == 0
        socket.socket(fileno=sock).close()
        os.close(fd)
    assert lib.kernel_struct_has_field(b"task_struct", b"pid") == 1


def test_of_structs_of_options_no_more_is_touched_than_there_is(no_leak):
    with BPF(text="int f(struct __sk_buff *skb) { return 5; }") as b:
        fd = b.load_func("f", BPF.SOCKET_FILTER).fd
        packet = ct.create_string_buffer(bytes(64), 64)
        opts = bpf_test_run_opts(data_in=ct.cast(packet, ct.c_void_p), data_size_in=64)
        opts.sz = bpf_test_run_opts.duration.offset
        # Behind its end, where an older caller has something else.
        opts.duration = opts.flags = opts.cpu = opts.batch_size = 0xAAAAAAAA
        assert lib.bpf_prog_test_run_opts(fd, ct.byref(opts)) == 0
        assert (opts.retval, opts.duration, opts.flags) == (5, 0xAAAAAAAA, 0xAAAAAAAA)
        opts.sz = 0
        assert lib.bpf_prog_test_run_opts(fd, ct.byref(opts)) == -1 and ct.get_errno() == errno.EINVAL
        assert lib.bpf_prog_test_run_opts(fd, None) == -1 and ct.get_errno() == errno.EINVAL


def test_pins(tmp_path, no_leak):
    path = os.fsencode(f"/sys/fs/bpf/bcc_test_{os.getpid()}")
    with BPF(text="BPF_HASH(t, u32, u64);") as b:
        if lib.bpf_obj_pin(b["t"].get_fd(), path) != 0:
            pytest.skip("no bpffs at /sys/fs/bpf")
        try:
            b["t"][ct.c_uint32(3)] = ct.c_uint64(33)
            fd = lib.bpf_obj_get(path)
            value = ct.c_uint64()
            assert lib.bpf_lookup_elem(fd, ct.byref(ct.c_uint32(3)), ct.byref(value)) == 0
            assert value.value == 33
            os.close(fd)
        finally:
            os.unlink(path)
    assert lib.bpf_obj_get(path) == -1 and ct.get_errno() == 2


COUNT = """
BPF_ARRAY(hits, u64, 1);
static inline int hit(void) {
    int zero = 0;
    u64 *n = hits.lookup(&zero);
    if (n && bpf_get_current_pid_tgid() >> 32 == PID) __sync_fetch_and_add(n, 1);
    return 0;
}
int f(struct pt_regs *ctx) { return hit(); }
int t(void *ctx) { return hit(); }
int r(struct bpf_raw_tracepoint_args *ctx) { return hit(); }
int e(struct bpf_perf_event_data *ctx) { return hit(); }
"""


@pytest.fixture
def counter(no_leak):
    with BPF(text=COUNT, cflags=[f"-DPID={os.getpid()}"]) as b:
        yield b


def test_probes_hang_on_their_descriptor(counter):
    b = counter
    f = b.load_func("f", BPF.KPROBE).fd
    t = b.load_func("t", BPF.TRACEPOINT).fd
    r = b.load_func("r", BPF.RAW_TRACEPOINT).fd
    libc = ct.CDLL(None)
    symbol = bcc_symbol()
    assert (
        lib.bcc_resolve_symname(b"c", b"getppid", 0, 0, ct.byref(bcc_symbol_option()), ct.byref(symbol))
        == 0
    )
    path = ct.cast(symbol.module, ct.c_char_p).value
    assert b"libc" in path
    uprobe = lib.bpf_attach_uprobe(f, 0, b"p_test", path, symbol.offset, os.getpid(), 0)
    lib.bcc_procutils_free(symbol.module)
    libc.getppid()
    assert b["hits"][0].value == 1
    lib.bpf_close_perf_event_fd(uprobe)
    assert lib.bpf_detach_uprobe(b"p_test") == 0
    tracepoint = lib.bpf_attach_tracepoint(t, b"syscalls", b"sys_enter_getpgid")
    raw = lib.bpf_attach_raw_tracepoint(r, b"sys_enter")
    assert min(tracepoint, raw) >= 0
    os.getpgid(0)
    assert b["hits"][0].value >= 3
    os.close(tracepoint)
    os.close(raw)
    assert lib.bpf_attach_tracepoint(t, b"no", b"such") == -1 and ct.get_errno() == 2


def test_kprobes(counter, requires):
    requires("kprobes")
    f = counter.load_func("f", BPF.KPROBE).fd
    name = counter.get_syscall_fnname("getpgid")
    entry = lib.bpf_attach_kprobe(f, 0, b"p_test", name, 0, 0)
    back = lib.bpf_attach_kprobe(f, 1, b"r_test", name, 0, 8)
    os.getpgid(0)
    assert counter["hits"][0].value == 2
    for fd, event in ((entry, b"p_test"), (back, b"r_test")):
        lib.bpf_close_perf_event_fd(fd)
        assert lib.bpf_detach_kprobe(event) == 0
    os.getpgid(0)
    assert counter["hits"][0].value == 2
    assert lib.bpf_attach_kprobe(f, 0, b"p_x", b"no_such_function", 0, 0) == -1


def test_perf_events(counter):
    e = counter.load_func("e", BPF.PERF_EVENT).fd
    fd = lib.bpf_attach_perf_event(
        e, PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK, 100_000, 0, os.getpid(), -1, -1
    )
    assert fd >= 0
    while counter["hits"][0].value == 0:
        sum(range(10_000))
    lib.bpf_close_perf_event_fd(fd)
    assert lib.bpf_attach_perf_event(e, 1, 0, 0, 0, -1, 0, -1) == -1 and ct.get_errno() == 22
    fd = lib.bpf_open_perf_event(PerfType.SOFTWARE, PerfSWConfig.TASK_CLOCK, os.getpid(), -1)
    assert int.from_bytes(os.read(fd, 8), "little") >= 0
    lib.bpf_close_perf_event_fd(fd)


def test_perf_readers(no_leak):
    text = """
    BPF_PERF_OUTPUT(events);
    TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        u64 n = 42;
        if (bpf_get_current_pid_tgid() >> 32 == PID) events.perf_submit(args, &n, sizeof(n));
        return 0;
    }
    """
    with BPF(text=text, cflags=[f"-DPID={os.getpid()}"]) as b:
        seen = []
        raw = _RAW_CB_TYPE(lambda cookie, data, size: seen.append((cookie, ct.c_uint64.from_address(data).value)))
        lost = _LOST_CB_TYPE(lambda cookie, count: None)
        cookie = "mine"
        table = b["events"].get_fd()
        readers = []
        for cpu in range(os.cpu_count()):
            reader = lib.bpf_open_perf_buffer(raw, lost, cookie, -1, cpu, 8)
            fd = ct.c_int(lib.perf_reader_fd(reader))
            assert lib.bpf_update_elem(table, ct.byref(ct.c_int(cpu)), ct.byref(fd), 0) == 0
            readers.append(reader)
        array = (ct.c_void_p * len(readers))(*readers)
        os.getpgid(0)
        assert lib.perf_reader_poll(len(readers), array, 1000) == 1
        assert seen == [("mine", 42)]
        os.getpgid(0)
        assert lib.perf_reader_consume(len(readers), array) == 0 and len(seen) == 2
        for reader in readers:
            lib.perf_reader_free(reader)


def test_ring_readers(no_leak):
    text = """
    BPF_RINGBUF_OUTPUT(events, 8);
    TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        u64 n = 42;
        if (bpf_get_current_pid_tgid() >> 32 == PID) events.ringbuf_output(&n, sizeof(n), 0);
        return 0;
    }
    """
    with BPF(text=text, cflags=[f"-DPID={os.getpid()}"]) as b:
        seen = []

        def take(ctx, data, size):
            seen.append((ct.c_uint64.from_address(data).value, size))
            return -7 if len(seen) == 3 else 0

        call = _RINGBUF_CB_TYPE(take)
        rings = lib.bpf_new_ringbuf(b["events"].get_fd(), call, None)
        os.getpgid(0)
        assert lib.bpf_poll_ringbuf(rings, 1000) == 1 and seen == [(42, 8)]
        os.getpgid(0)
        assert lib.bpf_consume_ringbuf(rings) == 1 and len(seen) == 2
        os.getpgid(0)
        os.getpgid(0)
        # What the function has not seen when it refuses one is not lost.
        assert lib.bpf_poll_ringbuf(rings, 1000) == -7 and len(seen) == 3
        assert lib.bpf_poll_ringbuf(rings, 1000) == 1 and len(seen) == 4
        assert lib.bpf_poll_ringbuf(rings, 0) == 0
        value = ct.c_uint64()
        assert lib.bpf_lookup_elem(b["events"].get_fd(), None, ct.byref(value)) == -1
        assert ct.get_errno() == errno.EOPNOTSUPP
        lib.bpf_free_ringbuf(rings)
        assert lib.bpf_new_ringbuf(-1, call, None) is None


def test_programs_are_not_taken_for_maps(no_leak):
    with BPF(text=NOTHING) as b:
        fd = b.load_func("f", BPF.SOCKET_FILTER).fd
        room = ct.create_string_buffer(4096)
        for call, rest in [
            (lib.bpf_get_next_key, [room, room]),
            (lib.bpf_lookup_elem, [room, room]),
            (lib.bpf_update_elem, [room, room, 0]),
            (lib.bpf_delete_elem, [room]),
        ]:
            assert call(fd, *rest) == -1 and ct.get_errno() == errno.EINVAL


def test_files_that_would_wait_for_a_writer_are_refused(tmp_path):
    fifo = os.fsencode(tmp_path / "fifo")
    os.mkfifo(fifo)
    assert lib.bcc_elf_get_type(fifo) == -1
    assert lib.bcc_usdt_new_frompath(fifo) is None
    assert lib.bcc_resolve_symname(fifo, b"f", 0, -1, None, ct.byref(bcc_symbol())) == -1
    assert lib.bcc_perf_map_foreach_sym(fifo, _ELF_SYM_CB(lambda *_: 0), None) == -1
    assert lib.bcc_zip_archive_open(fifo) is None


def test_symbol_caches():
    option = bcc_symbol_option(use_debug_file=1, check_debug_file_crc=1, use_symbol_type=0x3FF)
    cache = lib.bcc_symcache_new(os.getpid(), ct.byref(option))
    address = ct.cast(ct.CDLL(None).getppid, ct.c_void_p).value
    symbol = bcc_symbol()
    assert lib.bcc_symcache_resolve(cache, address, ct.byref(symbol)) == 0
    assert b"getppid" in symbol.demangle_name and symbol.offset == 0
    assert b"libc" in ct.cast(symbol.module, ct.c_char_p).value
    lib.bcc_symbol_free_demangle_name(ct.byref(symbol))
    assert lib.bcc_symcache_resolve_no_demangle(cache, address + 1, ct.byref(symbol)) == 0
    assert b"getppid" in symbol.name and symbol.offset == 1
    found = ct.c_ulonglong()
    module = ct.cast(symbol.module, ct.c_char_p).value
    assert lib.bcc_symcache_resolve_name(cache, module, b"getppid", ct.byref(found)) == 0
    assert found.value == address
    assert lib.bcc_symcache_resolve(cache, 1, ct.byref(symbol)) == -1
    lib.bcc_free_symcache(cache, os.getpid())
    names = set()
    assert lib.bcc_foreach_function_symbol(b"c", _SYM_CB_TYPE(lambda name, addr: names.add(name) or 0)) == 0
    assert {b"getpid", b"malloc"} <= names
    path = lib.bcc_procutils_which_so(b"c", 0)
    assert ct.cast(path, ct.c_char_p).value.endswith(b"libc.so.6")
    assert lib.bcc_elf_is_shared_obj(ct.cast(path, ct.c_char_p)) == 1
    lib.bcc_procutils_free(path)
    assert lib.bcc_mapping_is_file_backed(b"[stack]") == 0


def test_iterators(requires, no_leak):
    requires("fentry")
    text = """
    BPF_ITER(task) {
        struct seq_file *seq = ctx->meta->seq;
        struct task_struct *task = ctx->task;
        if (task == (void *)0) return 0;
        u32 id = task->tgid;
        bpf_seq_write(seq, &id, sizeof(id));
        return 0;
    }
    """
    with BPF(text=text) as b:
        f = b.load_func("bpf_iter__task", BPF.TRACING)
        link = lib.bcc_iter_attach(f.fd, None, 0)
        assert link >= 0, os.strerror(ct.get_errno())
        with os.fdopen(lib.bcc_iter_create(link), "rb") as reader:
            assert os.getpid() in memoryview(reader.read()).cast("I").tolist()
        os.close(link)
