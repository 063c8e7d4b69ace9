"""A map of a million entries: filled, read and cleared in batches, and what that keeps in memory.

Prints one JSON object, row by row; upstream was not measured at this, so there is nothing to reach.
"""

import json
import time

COUNT = 1_000_000
TEXT = b"BPF_TABLE(\"hash\", u64, u64, big, 1000000);\n"


def resident_mib():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 2**20


def spent(work):
    """Milliseconds of CPU."""
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1e3


def row(unit, sample):
    return {"unit": unit, "better": "lower", "value": sample, "samples": [sample]}


def main():
    import ctypes as ct

    from bcc import BPF

    table = BPF(text=TEXT)["big"]
    keys = (ct.c_uint64 * COUNT)(*range(COUNT))
    values = (ct.c_uint64 * COUNT)(*range(COUNT))
    rows = {}
    rows["1 M entries: fill"] = row("ms", spent(lambda: table.items_update_batch(keys, values)))
    before, total = resident_mib(), 0

    def read():
        nonlocal total
        total = sum(value.value for _, value in table.items())

    rows["1 M entries: items()"] = row("ms", spent(read))
    rows["1 M entries: kept by items()"] = row("MiB", max(0.0, resident_mib() - before))
    rows["1 M entries: clear()"] = row("ms", spent(table.clear))
    if total != COUNT * (COUNT - 1) // 2 or len(table):
        raise SystemExit(f"wrong: {total}, {len(table)} left")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
