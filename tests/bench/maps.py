"""Maps: elements per second of CPU, one by one and many at a time; clearing; a keyed histogram."""

import contextlib
import ctypes as ct
import io

from bcc import BPF
from samples import Rows, cpu

COUNT, SINGLE, BUCKETS, RUNS = 100_000, 20_000, 500, 7
TEXT = b"""
struct slot_t { u64 bucket; u64 slot; };
BPF_HASH(numbers, u64, u64, 131072);
BPF_HISTOGRAM(spread, struct slot_t, 16384);
int unused(void *ctx) {
    u64 key = 0;
    numbers.increment(key);
    struct slot_t slot = {};
    spread.increment(slot);
    return 0;
}
"""


def fill(table, count):
    """Keys 0.., each with twice itself."""
    keys, leaves = (table.Key * count)(), (table.Leaf * count)()
    for i in range(count):
        keys[i], leaves[i] = i, 2 * i
    table.items_update_batch(keys, leaves)


def read(table, got):
    got += table.items()


def items_row(rows, table):
    fill(table, COUNT)
    samples = []
    for _ in range(RUNS):
        got = []
        samples.append((cpu(read, table, got), COUNT))
        assert len(got) == COUNT and sum(v.value for _, v in got) == COUNT * (COUNT - 1)
    rows.rate("items() of 100 k", samples)


def clear_row(rows, table):
    samples = []
    # The peer needs seconds for one.
    for _ in range(3):
        fill(table, COUNT)
        samples.append(cpu(table.clear))
        assert not table.items()
    rows.whole("clear() of 100 k", samples)


def batch_rows(rows, table):
    """The two methods that read, as one rate; and the two that do not, which is the kernel's time.

    Where a `bcc` gives bare numbers, what makes objects with a `value` of them is counted in.
    """
    keys, leaves = (table.Key * COUNT)(*range(COUNT)), (table.Leaf * COUNT)(*range(COUNT))

    def read_batch(method, got):
        got += method()
        if isinstance(got[0][0], int):
            got[:] = [(table.Key(key), table.Leaf(leaf)) for key, leaf in got]

    reads, writes = [], []
    for _ in range(RUNS):
        seen, taken = [], []
        spent = cpu(table.items_update_batch, keys, leaves)
        seconds = cpu(read_batch, table.items_lookup_batch, seen)
        spent += cpu(table.items_delete_batch, keys)
        table.items_update_batch(keys, leaves)
        seconds += cpu(read_batch, table.items_lookup_and_delete_batch, taken)
        assert not table.items()
        total = COUNT * (COUNT - 1) // 2
        assert sum(leaf.value for _, leaf in seen) == sum(key.value for key, _ in taken) == total
        reads.append((seconds, 2 * COUNT))
        writes.append((spent, 2 * COUNT))
    rows.rate("batch methods", reads)
    rows.rate("batch update and delete", writes)


def single_rows(rows, table):
    keys = [table.Key(i) for i in range(SINGLE)]
    leaves = [table.Leaf(i) for i in range(SINGLE)]

    def write():
        for key, leaf in zip(keys, leaves):
            table[key] = leaf

    def read():
        for key in keys:
            table[key]

    def delete():
        for key in keys:
            del table[key]

    samples = {"t[k]": [], "t[k] = v": [], "del t[k]": []}
    for _ in range(RUNS):
        samples["t[k] = v"].append((cpu(write), SINGLE))
        samples["t[k]"].append((cpu(read), SINGLE))
        samples["del t[k]"].append((cpu(delete), SINGLE))
    for name, values in samples.items():
        rows.rate(name, values)


def histogram_row(rows, table):
    slots = 20
    keys, leaves = (table.Key * (BUCKETS * slots))(), (table.Leaf * (BUCKETS * slots))()
    for i in range(BUCKETS * slots):
        keys[i].bucket, keys[i].slot = i // slots, i % slots + 1
        leaves[i] = i + 1
    table.items_update_batch(keys, leaves)
    samples = []
    for _ in range(RUNS):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            samples.append(cpu(table.print_log2_hist, "us", "bucket"))
        assert out.getvalue().count("bucket = ") == BUCKETS
    rows.whole("keyed log2 histogram", samples)


def main():
    b, rows = BPF(text=TEXT), Rows()
    table = b[b"numbers"]
    assert ct.sizeof(table.Key) == 8
    items_row(rows, table)
    clear_row(rows, table)
    batch_rows(rows, table)
    single_rows(rows, table)
    histogram_row(rows, b[b"spread"])
    rows.print()


if __name__ == "__main__":
    main()
