"""Names of the contract that few scripts use, each with the value it gives."""

import ctypes as ct
import io
import os
import time
import warnings

import bcc
import pytest
from bcc import BPF, USDT, PerfSWConfig, PerfType, disassembler, lib, perf, table, utils
from counted import COUNT, EVENTS, MINE, hits


def test_decode_c_struct(row):
    text = b"typedef struct { u64 disk; u64 slot; } key_t; BPF_HISTOGRAM(dist, key_t);"
    with BPF(text=text) as b:
        dist = b[b"dist"]
        for disk, slot, count in ((7, 1, 3), (7, 4, 5), (9, 0, 1)):
            dist[dist.Key(disk, slot)] = dist.Leaf(count)
        tmp, buckets = {}, []
        dist.decode_c_struct(tmp, buckets, lambda disk: f"sd{disk}", lambda all: sorted(all, reverse=True), 6)
    assert buckets == ["sd9", "sd7"]
    assert tmp == {"sd7": [0, 3, 0, 0, 5, 0], "sd9": [1, 0, 0, 0, 0, 0]}
    row("decode_c_struct", tmp)


def test_elements_of_tables(row):
    with BPF(text=b"BPF_PERCPU_ARRAY(each, u64, 1); BPF_STACK_TRACE(stacks, 64);") as b:
        each = b[b"each"]
        assert ct.sizeof(each.sLeaf) == 8
        cpus = len(utils.get_possible_cpus())
        assert each.Leaf._length_ == cpus and each.Leaf._type_ is each.sLeaf
        row("PerCpuArray sLeaf", f"8 bytes, {cpus} in a Leaf")
        assert b[b"stacks"].MAX_DEPTH == 127 == table.StackTrace.MAX_DEPTH
        row("StackTrace.MAX_DEPTH", 127)
        assert each.get_fd() == each.map_fd == lib.bpf_table_fd(b.module, b"each")
        assert os.readlink(f"/proc/self/fd/{each.get_fd()}") == "anon_inode:bpf-map"
        row("get_fd", "the map's descriptor")


def test_enable_probe_or_bail(row, capfd):
    usdt = USDT(path="/usr/bin/python3")
    with pytest.raises(SystemExit) as ended:
        usdt.enable_probe_or_bail("no_such", "f")
    assert ended.value.code == 1 and "no_such" in capfd.readouterr().err
    row("USDT.enable_probe_or_bail", "exit status 1")


def test_perf_custom_event_open(row):
    attr = perf.Perf.perf_event_attr()
    attr.type, attr.config = PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK
    fds = perf.Perf.perf_custom_event_open(attr)
    try:
        assert len(fds) == len(bcc.get_online_cpus())
        before = [int.from_bytes(os.read(fd, 8), "little") for fd in fds]
        time.sleep(0.01)
        after = [int.from_bytes(os.read(fd, 8), "little") for fd in fds]
        assert all(later > sooner for sooner, later in zip(before, after))
    finally:
        for fd in fds:
            os.close(fd)
    row("Perf.perf_custom_event_open", f"{len(fds)} clocks that run")


def test_texts_of_instructions(row):
    assert disassembler.disassemble_instruction(3, 0x21BF) == ("   3: (bf) r1 = r2", 0)
    text, words = disassembler.disassemble_instruction(0, 0x18, 0x0000000100000000)
    assert words == 1 and "r0 = " in text
    row("disassemble_instruction", "3: (bf) r1 = r2")
    code = bytes.fromhex("b700000005000000 9500000000000000")
    assert disassembler.disassemble_str(code) == ["   0: (b7) r0 = 5", "   1: (95) exit"]
    row("disassemble_str", "2 lines")
    with BPF(text=b"struct leaf { u32 a; char name[16]; }; BPF_HASH(t, u64, struct leaf, 8);") as b:
        text = disassembler.decode_map(b"t", b[b"t"], 1)
        head, *lines = text.splitlines()
        assert head.startswith("Layout of BPF map t (type HASH, FD ")
        assert [line.strip() for line in lines] == [
            "unsigned long long key;", "struct leaf {", "unsigned int a;", "char name[16];", "} value;"
        ]
    row("decode_map", "key, struct leaf")


def test_warnings_with_their_stack(row):
    log = io.StringIO()
    utils.warn_with_traceback(UserWarning("odd"), UserWarning, "file.py", 7, log)
    text = log.getvalue()
    assert text.endswith(warnings.formatwarning(UserWarning("odd"), UserWarning, "file.py", 7))
    row("warn_with_traceback", "stack, then file.py:7: UserWarning: odd")


def test_clocks(row):
    assert [name for name, _ in BPF.timespec._fields_] == ["tv_sec", "tv_nsec"]
    assert ct.sizeof(BPF.timespec) == 16 and BPF.CLOCK_MONOTONIC == time.CLOCK_MONOTONIC
    before, now, after = time.monotonic_ns(), BPF.monotonic_time(), time.monotonic_ns()
    assert before - 1e6 <= now <= after + 1e6
    row("BPF.timespec, CLOCK_MONOTONIC, monotonic_time", "16 bytes, 1, between two of Python's")


def test_kprobe_poll(row):
    got = []
    with BPF(text=EVENTS.encode(), cflags=MINE) as b:
        b[b"perf"].open_perf_buffer(lambda cpu, data, size: got.append(b[b"perf"].event(data).n))
        os.getpgid(0)
        b.kprobe_poll()
    assert got == [7]
    row("BPF.kprobe_poll", got)


def test_trace_open(row):
    text = b"""TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        if (bpf_get_current_pid_tgid() >> 32 == PID) bpf_trace_printk("opened");
        return 0; }"""
    with BPF(text=text, cflags=MINE) as b:
        pipe = b.trace_open(nonblocking=True)
        assert pipe is b.trace_open(nonblocking=True) and pipe.fileno() > 2
        os.getpgid(0)
        assert b": opened" in pipe.readline()
    row("BPF.trace_open", "a file, the same at each call")


def test_detached_perf_event(row):
    clock = PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK
    with BPF(text=(COUNT + "int f(struct bpf_perf_event_data *ctx) { return hit(); }").encode(), cflags=MINE) as b:
        b.attach_perf_event(*clock, b"f", sample_freq=999)
        while hits(b) == 0:
            sum(range(10_000))
        b.detach_perf_event(*clock)
        seen, busy = hits(b), time.thread_time()
        while time.thread_time() - busy < 0.05:
            pass
        assert hits(b) == seen
    row("BPF.detach_perf_event", "no samples after")
