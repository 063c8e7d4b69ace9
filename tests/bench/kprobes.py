#!/usr/bin/env python3
"""What probes on every function of a kernel cost: one regular expression, attached and detached.

    x vm -k 6.12 -- sh -c 'modprobe -a xfs btrfs nfsd cifs kvm; python3 tests/bench/kprobes.py [PATTERN]'

For kernels with kprobes: prints the number of functions, the milliseconds of wall and processor time
(in a guest, of an emulated processor), and what the process keeps. The program counts nothing that
is printed, it shows that the probes are hit.
"""

import os
import sys
import time

from bcc import BPF

TEXT = b"""
BPF_ARRAY(hits, u64, 1);
int on_any(void *ctx) {
    hits.increment(0);
    return 0;
}
"""


def resident_mib():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def timed(what, work):
    wall, cpu = time.monotonic(), time.process_time()
    work()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(f"{what}: {1e3 * wall:.0f} ms, {1e3 * cpu:.0f} ms of processor time", flush=True)


def main():
    pattern = sys.argv[1].encode() if len(sys.argv) > 1 else b".*"
    os.environ["BCC_PROBE_LIMIT"] = "1000000"
    b = BPF(text=TEXT)
    before = resident_mib()
    timed("attach", lambda: b.attach_kprobe(event_re=pattern, fn_name=b"on_any"))
    more = resident_mib() - before
    print(f"{b.num_open_kprobes()} functions, {len(b.untraceable)} refused, {more:.1f} MiB more", flush=True)
    os.getppid()
    hits = b[b"hits"][0].value
    timed("detach", b.cleanup)
    print(f"{hits} hits")
    if not hits:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
