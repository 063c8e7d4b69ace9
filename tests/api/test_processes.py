"""Children, threads, many objects."""

import ctypes as ct
import gc
import multiprocessing
import os
import threading
import time
from multiprocessing import resource_tracker

import pytest
from bcc import BPF
from counted import EVENTS

# How long two threads compile, load and poll beside each other.
SOAK_SECONDS = float(os.environ.get("BCC_SOAK_SECONDS", "5"))


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
