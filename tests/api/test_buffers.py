"""Perf buffers, ring buffers, the trace pipe: events come, also to those who wait."""

import asyncio
import ctypes as ct
import os
import select
import subprocess

import pytest
from bcc import BPF
from counted import EVENTS, MINE


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


def test_several_buffers_in_one_poll(row):
    text = b"BPF_PERF_OUTPUT(a); BPF_PERF_OUTPUT(b); BPF_RINGBUF_OUTPUT(c, 8); BPF_RINGBUF_OUTPUT(d, 8);"
    text += b"""TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { u64 n = 1;
        if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
        a.perf_submit(args, &n, 8); n++; b.perf_submit(args, &n, 8); n++;
        c.ringbuf_output(&n, 8, 0); n++; d.ringbuf_output(&n, 8, 0);
        return 0; }"""
    with BPF(text=text, cflags=MINE) as b:
        seen = []

        def number(data):
            seen.append(ct.cast(data, ct.POINTER(ct.c_uint64))[0])

        for name in (b"a", b"b"):
            b[name].open_perf_buffer(lambda cpu, data, size: number(data))
        for name in (b"c", b"d"):
            b[name].open_ring_buffer(lambda ctx, data, size: number(data))
        os.getpgid(0)
        b.perf_buffer_poll(1000)
        assert sorted(seen) == [1, 2]
        b.ring_buffer_poll(1000)
        assert sorted(seen) == [1, 2, 3, 4]
    row("several buffers in one poll", "2 perf, 2 ring")


def test_lost_events_are_told(row, capfd):
    text = b"""BPF_PERF_OUTPUT(e);
    TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { char big[256] = {};
        if (bpf_get_current_pid_tgid() >> 32 == PID) e.perf_submit(args, &big, sizeof(big));
        return 0; }"""
    with BPF(text=text, cflags=MINE) as b:
        seen, lost = [], []
        b[b"e"].open_perf_buffer(lambda cpu, data, size: seen.append(size), page_cnt=1, lost_cb=lost.append)
        for _ in range(100):
            os.getpgid(0)
        b.perf_buffer_poll(0)
        os.getpgid(0)
        b.perf_buffer_poll(0)
        assert lost and len(seen) + sum(lost) == 101
        row("lost_cb", f"{len(seen)} came, {sum(lost)} were lost, of 101")
        b[b"e"].open_perf_buffer(lambda cpu, data, size: None, page_cnt=1)
        for _ in range(2):
            for _ in range(100):
                os.getpgid(0)
            b.perf_buffer_poll(0)
    assert "Possibly lost" in capfd.readouterr().err
    row("without lost_cb", "Possibly lost N samples")


def test_wakeup_events(row):
    with BPF(text=EVENTS.encode(), cflags=MINE) as b:
        seen = []
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
        try:
            b[b"perf"].open_perf_buffer(lambda cpu, data, size: seen.append(cpu), wakeup_events=3)
            waiting = select.poll()
            waiting.register(b[b"perf"].fileno(), select.POLLIN)
            os.getpgid(0)
            os.getpgid(0)
            assert waiting.poll(0) == []
            os.getpgid(0)
            assert len(waiting.poll(1000)) == 1
            b.perf_buffer_poll(timeout=1000)
            assert seen == [min(before)] * 3
        finally:
            os.sched_setaffinity(0, before)
    row("wakeup_events=3", "asleep after 2, awake after 3")


def test_ring_buffer_callbacks(row):
    with BPF(text=EVENTS.encode(), cflags=MINE) as b:
        seen = []

        def stop(ctx, data, size):
            seen.append((ctx, size))
            return -1

        b[b"ring"].open_ring_buffer(stop, "context")
        os.getpgid(0)
        os.getpgid(0)
        b.ring_buffer_poll(1000)
        assert len(seen) == 1 and seen[0][1] == 20
        b.ring_buffer_consume()
        assert len(seen) == 2
    row("ring buffer callback that returns -1", "stops the poll, loses none")


def test_two_trace_pipes(row):
    text = b"""TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        if (bpf_get_current_pid_tgid() >> 32 == PID) bpf_trace_printk("both");
        return 0; }"""
    with BPF(text=text, cflags=MINE) as one, BPF(text=b"BPF_ARRAY(t, u64, 1);") as other:
        one.trace_open(nonblocking=True)
        other.trace_open(nonblocking=True)
        os.getpgid(0)
        assert one.trace_fields()[5] == other.trace_fields()[5] == b"both"
    row("two trace pipes", "each gets the line")


def test_forked_child_does_not_poll(row):
    with BPF(text=EVENTS.encode(), cflags=MINE) as b:
        seen = []
        b[b"ring"].open_ring_buffer(lambda ctx, data, size: seen.append(size))
        child = os.fork()
        if child == 0:
            try:
                b.ring_buffer_poll(0)
            except Exception:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        os.getpgid(0)
        b.ring_buffer_poll(1000)
        assert seen == [20]
    row("a forked child", "polling raises there, goes on here")
