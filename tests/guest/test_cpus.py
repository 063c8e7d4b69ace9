"""Perf buffers while CPUs come and go."""

import contextlib
import os
import threading
from pathlib import Path

import pytest
from bcc import BPF

TEXT = b"""
BPF_PERF_OUTPUT(events);
BPF_ARRAY(sent, u64, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
    u32 cpu = bpf_get_smp_processor_id();
    if (events.perf_submit(args, &cpu, sizeof(cpu)) == 0) sent.atomic_increment(0);
    return 0;
}
"""
LAST = os.cpu_count() - 1
SWITCH = Path(f"/sys/devices/system/cpu/cpu{LAST}/online")


@pytest.fixture
def buffer():
    """(module, CPUs whose events came): `LAST` may be switched, and runs again afterwards."""
    assert SWITCH.exists(), "a guest has a CPU that can go"
    with BPF(text=TEXT, cflags=[b"-DPID=%d" % os.getpid()]) as b:
        yield b, []
    SWITCH.write_text("1")


def follow(b, got):
    b[b"events"].open_perf_buffer(lambda cpu, data, size: got.append(cpu))


def rings():
    """How many perf events this process holds."""
    held = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that listed the directory
            held.append(os.readlink(f"/proc/self/fd/{name}"))
    return held.count("anon_inode:[perf_event]")


def send(cpu, count):
    """Sends events from a CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    for _ in range(count):
        os.getpgid(0)
    os.sched_setaffinity(0, before)


def test_events_of_a_cpu_that_comes_arrive(buffer):
    b, got = buffer
    SWITCH.write_text("0")
    follow(b, got)
    SWITCH.write_text("1")
    send(LAST, 1)
    assert b[b"sent"][0].value == 0, "the CPU had no ring"
    # Who waits without end for the others' events must notice it, too.
    poller = threading.Thread(target=b.perf_buffer_poll)
    poller.start()
    while b[b"sent"][0].value == 0:
        send(LAST, 1)
    poller.join()
    b.perf_buffer_consume()
    assert set(got) == {LAST} and len(got) == b[b"sent"][0].value


def test_events_of_a_cpu_that_was_off_for_a_moment_arrive(buffer):
    b, got = buffer
    follow(b, got)
    b.perf_buffer_poll(0)
    send(LAST, 7)
    # Nobody looks in between: the list of CPUs is the same before and after.
    SWITCH.write_text("0")
    SWITCH.write_text("1")
    while len(got) <= 7:
        send(LAST, 1)
        b.perf_buffer_poll(100)
    b.perf_buffer_consume()
    assert set(got) == {LAST} and len(got) == b[b"sent"][0].value


def test_events_of_a_cpu_that_went_are_drained(buffer):
    b, got = buffer
    follow(b, got)
    opened = rings()
    send(LAST, 7)
    SWITCH.write_text("0")
    while len(got) < 7:
        b.perf_buffer_poll(100)
    send(0, 3)
    while len(got) < 10:
        b.perf_buffer_poll(100)
    assert got == [LAST] * 7 + [0] * 3
    # The kernel never fills the old ring again, so it must be seen to go before the CPU comes back.
    while rings() == opened:
        b.perf_buffer_poll(100)
    SWITCH.write_text("1")
    while len(got) == 10:
        send(LAST, 1)
        b.perf_buffer_poll(100)
    assert set(got[10:]) == {LAST}
