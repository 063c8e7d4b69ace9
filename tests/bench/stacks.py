#!/usr/bin/env python3
"""What naming stacks costs: 10,000 different user stacks of 30 frames, out of a stack table.

    x python tests/bench/stacks.py [COUNT]       100000 is the scale to be borne

A program built here goes as many different ways to one function, where a static probe takes its
stack. Then `walk` names all frames by `BPF.sym`, and `folded` writes all lines; the table is read each
time. Prints processor time; the second pass has everything in its caches.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bcc import BPF, USDT

TEXT = b"""
BPF_STACK_TRACE(stacks, BUCKETS);
BPF_HASH(ids, s64, u64, BUCKETS);
int on_leaf(struct pt_regs *ctx) {
    s64 id = stacks.get_stackid(ctx, BPF_F_USER_STACK);
    if (id >= 0) ids.increment(id);
    return 0;
}
"""
# Ways of 27 turns: with `leaf`, `main` and its caller the stacks have 30 frames.
TURNS = 27


def build(directory: str) -> str:
    """The program, with frame pointers."""
    source = Path(__file__).resolve().parents[1] / "programs/stacks.c"
    flags = ["-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls"]
    binary = f"{directory}/target"
    subprocess.run(["gcc", *flags, str(source), "-o", binary], check=True)
    return binary


def measure(what: str, frames: int, work) -> None:
    """Prints the time of two passes."""
    times = []
    for _ in range(2):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    first, second = (f"{1e3 * seconds:.0f} ms" for seconds in times)
    rate = frames / times[1] / 1e6
    print(f"{what}: {first} first, {second} then ({rate:.2f} million frames per second)")


def main() -> None:
    """Fills the table, then reads it in two ways."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as directory:
        pipe = subprocess.PIPE
        target = subprocess.Popen([build(directory)], stdin=pipe, stdout=pipe, text=True)
        target.stdout.readline()
        usdt = USDT(pid=target.pid)
        usdt.enable_probe("leaf", "on_leaf")
        # Some fall into the same bucket, and the kernel drops all of these but the first.
        buckets = 1 << (8 * wanted).bit_length()
        with BPF(text=TEXT, usdt_contexts=[usdt], cflags=[f"-DBUCKETS={buckets}"]) as b:
            target.stdin.write(f"0 {wanted + wanted // 4} {TURNS}\n")
            target.stdin.flush()
            target.stdout.readline()
            ids = [key.value for key in b[b"ids"].keys()][:wanted]
            table, pid = b[b"stacks"], target.pid
            frames = sum(len(list(table.walk(id))) for id in ids)
            print(f"{len(ids)} stacks, {frames} frames")
            measure("read only", frames, lambda: [list(table.walk(id)) for id in ids])
            measure("walk and sym", frames, lambda: [list(table.walk(id, lambda a: b.sym(a, pid))) for id in ids])
            measure("folded", frames, lambda: [table.folded(id, pid=pid, name=b"x") for id in ids])
            lines = {table.folded(id, pid=pid) for id in ids}
            assert len(lines) == len(ids), "different stacks have different lines"
        target.stdin.close()
        target.wait()


if __name__ == "__main__":
    main()
