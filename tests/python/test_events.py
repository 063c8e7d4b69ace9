"""Perf and ring buffers, natively: a tracepoint that only our own process hits."""

import asyncio
import ctypes as ct
import os
import select
import signal
import threading

import pytest
from bcc import BPF, lib

PERF = """
struct event_t { u32 pid; u64 n; char comm[16]; };
BPF_PERF_OUTPUT(events);
BPF_ARRAY(seen, u64, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
    struct event_t e = {};
    int zero = 0;
    u64 *n = seen.lookup(&zero);
    if (n == 0) return 0;
    e.n = (*n)++;
    e.pid = PID;
    bpf_get_current_comm(&e.comm, sizeof(e.comm));
    SUBMIT
    return 0;
}
"""
RING = PERF.replace("BPF_PERF_OUTPUT(events)", "BPF_RINGBUF_OUTPUT(events, 8)")


@pytest.fixture
def perf():
    text = PERF.replace("SUBMIT", "events.perf_submit(args, &e, sizeof(e));")
    with BPF(text=text, cflags=[f"-DPID={os.getpid()}"]) as b:
        yield b


@pytest.fixture
def ring():
    text = RING.replace("SUBMIT", "events.ringbuf_output(&e, sizeof(e), 0);")
    with BPF(text=text, cflags=[f"-DPID={os.getpid()}"]) as b:
        yield b


def hit(count):
    for _ in range(count):
        os.getpgid(0)


def test_perf_events_reach_the_callback_in_order(perf):
    got = []
    table = perf["events"]

    def callback(cpu, data, size):
        event = table.event(data)
        got.append((event.pid, event.n, event.comm))
        assert 0 <= cpu < os.cpu_count() and size >= ct.sizeof(event)

    table.open_perf_buffer(callback)
    hit(11)
    perf.perf_buffer_poll(1000)
    comm = open("/proc/self/comm", "rb").read().strip()
    assert sorted(got) == [(os.getpid(), n, comm) for n in range(11)]
    assert perf["seen"][0].value == 11


def test_events_of_several_cpus_come_in_the_order_they_were_sent(perf):
    cpus = os.sched_getaffinity(0)
    if len(cpus) < 2:
        pytest.skip("one CPU has one order")
    got, seen_on = [], set()

    def callback(cpu, data, _size):
        got.append(perf["events"].event(data).n)
        seen_on.add(cpu)

    perf["events"].open_perf_buffer(callback)
    try:
        for count in range(60):
            os.sched_setaffinity(0, {sorted(cpus)[count % 2]})
            hit(1 + count % 3)
    finally:
        os.sched_setaffinity(0, cpus)
    while len(got) < 120:
        perf.perf_buffer_poll(1000)
    assert got == list(range(120))
    assert len(seen_on) == 2


def test_data_can_be_cast_by_hand(perf):
    class Event(ct.Structure):
        _fields_ = [("pid", ct.c_uint), ("n", ct.c_ulonglong), ("comm", ct.c_char * 16)]

    got = []
    perf["events"].open_perf_buffer(
        lambda cpu, data, size: got.append(ct.cast(data, ct.POINTER(Event)).contents.n)
    )
    hit(3)
    perf.kprobe_poll(1000)
    assert sorted(got) == [0, 1, 2]


def test_a_poll_without_events_ends_with_its_time(perf):
    perf["events"].open_perf_buffer(lambda *_: pytest.fail("nothing was sent"))
    perf.perf_buffer_poll(1)
    perf.perf_buffer_poll(0)


def test_page_count_must_be_a_power_of_two(perf):
    with pytest.raises(Exception, match="power of two"):
        perf["events"].open_perf_buffer(print, page_cnt=3)


def test_lost_events_are_counted(perf):
    lost, got = [], []
    perf["events"].open_perf_buffer(lambda *a: got.append(a), page_cnt=1, lost_cb=lost.append)
    hit(1000)
    perf.perf_buffer_poll(1000)
    hit(os.cpu_count() * 2)
    perf.perf_buffer_poll(1000)
    assert lost and sum(lost) + len(got) == perf["seen"][0].value


def test_consume_does_not_wait_for_the_wakeup(perf):
    got = []
    perf["events"].open_perf_buffer(lambda *a: got.append(a), wakeup_events=1000)
    hit(5)
    perf.perf_buffer_consume()
    assert len(got) == 5


def test_exceptions_reach_the_poller_and_nothing_is_lost(perf):
    got = []

    def callback(cpu, data, size):
        got.append(data)
        if len(got) == 2:
            raise ValueError("from the callback")

    perf["events"].open_perf_buffer(callback)
    hit(5)
    with pytest.raises(ValueError, match="from the callback"):
        perf.perf_buffer_poll(1000)
    assert len(got) == 2
    perf.perf_buffer_poll(1000)
    assert len(got) == 5


def test_a_closed_output_ends_the_program(perf):
    def callback(cpu, data, size):
        raise BrokenPipeError(32, "Broken pipe")

    perf["events"].open_perf_buffer(callback)
    hit(1)
    with pytest.raises(SystemExit):
        perf.perf_buffer_poll(1000)


def test_callbacks_may_poll(perf):
    depth = []

    def callback(cpu, data, size):
        depth.append(size)
        perf.perf_buffer_poll(0)

    perf["events"].open_perf_buffer(callback)
    hit(3)
    perf.perf_buffer_poll(1000)
    assert len(depth) == 3


def test_signals_interrupt_a_poll(perf):
    perf["events"].open_perf_buffer(lambda *_: None)

    class Stop(Exception):
        pass

    def handler(*_):
        raise Stop

    old = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Stop):
            perf.perf_buffer_poll()
    finally:
        signal.signal(signal.SIGALRM, old)


def test_other_threads_run_while_one_polls(perf):
    perf["events"].open_perf_buffer(lambda *_: done.append(1))
    done = []
    thread = threading.Thread(target=perf.perf_buffer_poll)
    thread.start()
    hit(1)
    thread.join()
    assert done == [1]


def test_a_full_ring_tells_how_many_events_found_no_room(ring):
    got = []
    table = ring["events"]
    assert table.lost == 0
    table.open_ring_buffer(lambda ctx, data, size: got.append(table.event(data).n))
    hit(1000)
    ring.ring_buffer_consume()
    # The kernel puts eight bytes in front of each record of 32, and never fills the last byte.
    assert got == list(range((8 * os.sysconf("SC_PAGESIZE") - 1) // 40))
    assert table.lost == ring["seen"][0].value - len(got) == 1000 - len(got)
    hit(3)
    ring.ring_buffer_consume()
    assert got[-3:] == [1000, 1001, 1002] and table.lost == 1003 - len(got)


def test_the_table_that_counts_losses_is_not_seen(ring):
    assert ring.module.map(b"bcc_ring_losses") is None
    assert lib.bpf_num_tables(ring.module) == 2


def test_ring_events_reach_the_callback_in_order(ring):
    got = []
    table = ring["events"]

    def callback(ctx, data, size):
        assert ctx == 5
        got.append(table.event(data).n)

    table.open_ring_buffer(callback, 5)
    hit(7)
    ring.ring_buffer_poll(1000)
    assert got == list(range(7)) and len(table) == 0


def test_ring_consume(ring):
    got = []
    ring["events"].open_ring_buffer(lambda ctx, data, size: got.append(size))
    hit(3)
    ring.ring_buffer_consume()
    assert len(got) == 3


def test_a_negative_answer_ends_the_poll(ring):
    got = []

    def callback(ctx, data, size):
        got.append(data)
        return -1 if len(got) == 2 else None

    ring["events"].open_ring_buffer(callback)
    hit(5)
    ring.ring_buffer_poll(1000)
    assert len(got) == 2
    ring.ring_buffer_poll(1000)
    assert len(got) == 5


def test_polling_without_ring_buffers_is_an_error(ring):
    with pytest.raises(Exception, match="No ring buffers to poll"):
        ring.ring_buffer_poll(0)
    with pytest.raises(Exception, match="No ring buffers to poll"):
        ring.ring_buffer_consume()


def test_fileno_is_readable_when_events_wait(ring):
    got = []
    ring["events"].open_ring_buffer(lambda *a: got.append(a))
    fd = ring["events"].fileno()
    assert select.select([fd], [], [], 0)[0] == []
    hit(1)
    assert select.select([fd], [], [], 10)[0] == [fd]
    ring.ring_buffer_poll(0)
    assert len(got) == 1


@pytest.mark.parametrize("kind", ["perf", "ring"])
def test_async_iteration(kind, request):
    b = request.getfixturevalue(kind)

    async def collect():
        got = []
        events = b["events"].__aiter__()
        hit(4)
        async for event in events:
            got.append(event.n)
            if len(got) == 4:
                await events.aclose()
                return got

    assert sorted(asyncio.run(collect())) == [0, 1, 2, 3]


def test_a_forked_child_cannot_poll(ring):
    ring["events"].open_ring_buffer(lambda *_: None)
    pid = os.fork()
    if pid == 0:
        try:
            ring.ring_buffer_poll(0)
        except Exception as error:
            os._exit(0 if "forked" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
