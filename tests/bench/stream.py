"""What must also work when there is much of it; prints what it saw, and ends in an error when it did not.

    x python tests/bench/stream.py [SECONDS]

A map of a million elements; a map that the kernel changes while it is read; and a stream of events at
full speed for SECONDS (300), in which memory must not grow.
"""

import ctypes as ct
import os
import subprocess
import sys
import time

from bcc import BPF
from samples import cpu, mount_tracefs

MILLION = 1_000_000
LASTING, PASSING = 10_000, 50_000
# What the allocator may keep more at the end than after the first tenth, in KiB.
GROWTH = 1024
TEXT = """
struct event_t { u64 when; u64 number; char comm[16]; };
BPF_HASH(many, u64, u64, 1048576);
BPF_HASH(changing, u64, u64, 131072);
BPF_ARRAY(turn, u64, 1);
BPF_PERF_OUTPUT(perf);
BPF_RINGBUF_OUTPUT(ring, 256);
int on_call(struct pt_regs *ctx) {
    struct event_t e = {.when = bpf_ktime_get_ns()};
    int zero = 0;
    u64 *n = turn.lookup(&zero);
    if (!n) return 0;
    bpf_get_current_comm(&e.comm, sizeof(e.comm));
    #pragma unroll
    for (int i = 0; i < 16; i++) {
        e.number = __sync_fetch_and_add(n, 1);
        u64 key = LASTING + e.number % PASSING, old = LASTING + (e.number + PASSING / 2) % PASSING;
        changing.update(&key, &e.number);
        changing.delete(&old);
        perf.perf_submit(ctx, &e, sizeof(e));
        ring.ringbuf_output(&e, sizeof(e), 0);
    }
    return 0;
}
"""


def rss():
    """Resident KiB of this process."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def million(b):
    """All elements in, read, and out."""
    table = b[b"many"]
    keys, leaves = (table.Key * MILLION)(*range(MILLION)), (table.Leaf * MILLION)(*range(MILLION))
    table.items_update_batch(keys, leaves)
    got = []
    reading = cpu(lambda: got.extend(table.items()))
    assert sorted(key.value for key, _ in got) == list(range(MILLION))
    got.clear()
    clearing = cpu(table.clear)
    assert table.items() == []
    print("1,000,000 elements: items() %.0f ms, clear() %.0f ms" % (1e3 * reading, 1e3 * clearing))


class Producer:
    """A process that does nothing but call what the program is attached to."""

    def __enter__(self):
        code = "import os\nprint(flush=True)\nwhile True: os.getppid()"
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return self.process.pid

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def read_while_written(b, seconds=5):
    """What stays is seen by each walk, once; what comes and goes may be."""
    table, walks = b[b"changing"], 0
    for number in range(LASTING):
        table[table.Key(number)] = table.Leaf(number)
    before = b[b"turn"][0].value
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for walk in (table.items, lambda: [(key, None) for key in table.keys()]):
            seen = [key.value for key, _ in walk()]
            lasting = sorted(key for key in seen if key < LASTING)
            assert lasting == list(range(LASTING)), "%s of those that stay" % len(lasting)
            walks += 1
    changes = b[b"turn"][0].value - before
    assert changes > 0
    print("%d walks while the kernel made %d changes: all that stays was seen" % (walks, 2 * changes))


def stream(b, seconds):
    """Events of both buffers, taken apart; memory is looked at every hundredth of the time."""
    perf, ring, count, lost = b[b"perf"], b[b"ring"], [0], [0]

    def seen(table):
        def callback(_first, data, _size):
            event = table.event(data)
            assert event.number >= 0 and event.comm
            count[0] += 1

        return callback

    def on_lost(number):
        lost[0] += number

    perf.open_perf_buffer(seen(perf), page_cnt=64, lost_cb=on_lost)
    ring.open_ring_buffer(seen(ring))
    begun, sizes = time.monotonic(), []
    while time.monotonic() < begun + seconds:
        if len(sizes) <= (time.monotonic() - begun) / seconds * 100:
            sizes.append(rss())
        b.perf_buffer_poll(1)
        b.ring_buffer_poll(1)
    early = max(sizes[: len(sizes) // 10 + 1])
    print("%d events in %d s (%d lost by perf): RSS %d KiB after a tenth, %d at the end, %d at most"
          % (count[0], seconds, lost[0], early, sizes[-1], max(sizes)))  # fmt: skip
    assert count[0] and sizes[-1] <= early + GROWTH, sizes


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300
    mount_tracefs()
    flags = ["-DLASTING=%d" % LASTING, "-DPASSING=%d" % PASSING]
    b = BPF(text=TEXT, cflags=flags)
    assert ct.sizeof(b[b"many"].Key) == 8
    million(b)
    with Producer() as pid:
        b.attach_uprobe(name=b"c", sym=b"getppid", fn_name=b"on_call", pid=pid)
        read_while_written(b)
        stream(b, seconds)
    b.cleanup()
    print("of process %d, which used %.1f s" % (os.getpid(), time.process_time()))


if __name__ == "__main__":
    main()
