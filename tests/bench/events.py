"""Events through perf and ring buffers: microseconds of CPU per event, and what a live ring delivers.

A uprobe on this process's own `getppid` sends a burst per call; the ring is filled first, then the
call that empties it is timed. In the live row another process sends without a pause.
"""

import os
import statistics
import subprocess
import sys
import time

from bcc import BPF
from samples import Rows, cpu, mount_tracefs

BURST, CALLS, RUNS = 64, 1000, 9
LIVE_EVENTS = 1_000_000
TEXT = """
struct event_t { u64 when; u32 pid; u32 number; char comm[16]; };
BPF_ARRAY(sent, u64, 1);
TABLE
int on_call(struct pt_regs *ctx) {
    struct event_t e = {};
    e.when = bpf_ktime_get_ns();
    e.pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&e.comm, sizeof(e.comm));
    int zero = 0;
    u64 *n = sent.lookup(&zero);
    if (n == 0) return 0;
    #pragma unroll
    for (int i = 0; i < BURST; i++) {
        e.number = i;
        (*n)++;
        SEND
    }
    return 0;
}
"""
PERF = "BPF_PERF_OUTPUT(events);", "events.perf_submit(ctx, &e, sizeof(e));"
RING = "BPF_RINGBUF_OUTPUT(events, 1024);", "events.ringbuf_output(&e, sizeof(e), 0);"


def load(table_and_send, pid, burst=BURST):
    """The program with one of the two buffers, attached to one process."""
    table, send = table_and_send
    text = TEXT.replace("TABLE", table).replace("SEND", send)
    b = BPF(text=text.encode(), cflags=["-DBURST=%d" % burst])
    b.attach_uprobe(name=b"c", sym=b"getppid", fn_name=b"on_call", pid=pid)
    return b


def drained(b, consume, seen):
    """Samples of (seconds, events) of emptying a full ring."""
    samples = []
    for _ in range(RUNS):
        seen[0] = 0
        before = b[b"sent"][0].value
        for _ in range(CALLS):
            os.getppid()
        spent = cpu(consume)
        assert b[b"sent"][0].value - before == BURST * CALLS
        samples.append((spent, BURST * CALLS))
    return samples


def callbacks(table, seen):
    """Functions to call back: one that does nothing, one that takes an event apart, one that counts."""

    def bare(first, data, size):
        pass

    def decoded(first, data, size):
        event = table.event(data)
        return event.when, event.pid, event.comm

    def counting(first, data, size):
        seen[0] += 1

    return {"bare": bare, "decoded": decoded, "counting": counting}


def perf_rows(rows):
    for kind in ("bare", "decoded", "counting"):
        b, seen = load(PERF, os.getpid()), [0]
        table = b[b"events"]
        table.open_perf_buffer(callbacks(table, seen)[kind], page_cnt=1024)
        samples = drained(b, b.perf_buffer_consume, seen)
        if kind == "counting":
            assert seen[0] == BURST * CALLS, seen
        else:
            rows.per_event("perf buffer, " + kind, samples)
        b.cleanup()


def ring_rows(rows):
    for kind in ("bare", "decoded", "counting"):
        b, seen = load(RING, os.getpid()), [0]
        table = b[b"events"]
        table.open_ring_buffer(callbacks(table, seen)[kind])
        samples = drained(b, b.ring_buffer_consume, seen)
        if kind == "counting":
            assert seen[0] == BURST * CALLS, seen
        else:
            rows.per_event("ring buffer, " + kind, samples)
        b.cleanup()


def live_row(rows):
    """Events per second of the reader's CPU, the producer being faster than any reader."""
    code = "import os\nprint(flush=True)\nwhile True: os.getppid()"
    producer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    producer.stdout.readline()
    try:
        b, seen = load(RING, producer.pid, burst=BURST), [0]

        def counting(first, data, size):
            seen[0] += 1
            # A reader that goes on while there is something would never end.
            return -1 if seen[0] >= LIVE_EVENTS else 0

        b[b"events"].open_ring_buffer(counting)
        samples, shares = [], []
        for _ in range(5):
            seen[0], sent = 0, b[b"sent"][0].value
            before = time.thread_time()
            while seen[0] < LIVE_EVENTS:
                b.ring_buffer_poll(10)
            samples.append((time.thread_time() - before, seen[0]))
            shares.append(seen[0] / (b[b"sent"][0].value - sent))
        share = statistics.median(shares)
        rows.rate("live ring, delivered", samples, ["%.0f %% of what was sent" % (100 * share)])
        b.cleanup()
    finally:
        producer.kill()
        producer.wait()


def main():
    mount_tracefs()
    # One CPU's ring then takes all.
    cpus = os.sched_getaffinity(0)
    rows = Rows()
    os.sched_setaffinity(0, {min(cpus)})
    perf_rows(rows)
    ring_rows(rows)
    os.sched_setaffinity(0, cpus)
    live_row(rows)
    rows.print()


if __name__ == "__main__":
    main()
