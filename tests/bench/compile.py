#!/usr/bin/env python3
"""CPU time per program of tests/programs, with the compiler loaded: the median, and the slowest.

    x bench compile
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
GOAL_MS = 25.0
# What the programs' tests define.
DEFINES = ["-DPID=1", "-DCHILD=1", "-DN=4", '-DNAME="name"']
# These are there to be refused.
REFUSED = {"diagnostics"}


def measure() -> dict[str, float]:
    """Milliseconds by program."""
    files = sorted(
        str(p.relative_to(PROGRAMS))
        for p in PROGRAMS.rglob("*.c")
        if p.parent.name not in REFUSED
    )
    command = [os.environ["BCC_COMPILER"], "time", *DEFINES, *files]
    lines = subprocess.run(command, cwd=PROGRAMS, check=True, text=True, stdout=subprocess.PIPE)
    times = {}
    for line in lines.stdout.splitlines():
        spent, name = line.split(" ", 1)
        if spent != "error":
            times[name] = int(spent) / 1000
    return times


def main() -> int:
    times = measure()
    median = statistics.median(times.values())
    print(f"{len(times)} programs, CPU per compile with the compiler loaded:")
    print(f"  median {median:6.1f} ms   (goal {GOAL_MS:.0f} ms)")
    for name, spent in sorted(times.items(), key=lambda item: -item[1])[:5]:
        print(f"         {spent:6.1f} ms   {name}")
    return 0 if median <= GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
