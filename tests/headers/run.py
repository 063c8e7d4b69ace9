#!/usr/bin/env python3
"""The corpus below bcc-frontend/tests/headers for Debian's kernels, and programs over real headers.

    run.py [--bench] PROFILE

Fetches kernel packages (packages.py), then runs the Rust tests that compile for them. A kernel that
cannot be had is a failure, after all others were tried. With --bench, the CPU of compiling the
corpus is compared with that over the real headers of 6.12.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import packages

TOP = Path(__file__).resolve().parents[2]


def cargo(profile: str, tests: list[str], env: dict[str, str]) -> int:
    command = ["cargo", "test", "--profile", profile, "--no-fail-fast", "-p", "bcc-frontend"]
    command += [word for test in tests for word in ("--test", test)]
    command += ["--", "--include-ignored", "--nocapture", "--test-threads=1"]
    return subprocess.run(command, cwd=TOP, env=os.environ | env).returncode


def main() -> int:
    arguments = sys.argv[1:]
    bench = "--bench" in arguments
    profile = next((a for a in arguments if not a.startswith("-")), "release")
    apt = packages.kernels._apt_options()
    absent, targets, trees = [], [], {}
    for series in packages.SERIES:
        try:
            package = packages.fetch(series, apt)
        except packages.kernels.KernelError as why:
            absent.append(f"{series or 'newest'}: {why}")
            continue
        targets.append(package.root)
        try:
            trees[series] = packages.headers(package, apt)
        except packages.kernels.KernelError as why:
            # Backports keep old images longer than their headers.
            last = str(why).strip().splitlines()[-1]
            print(f"not run: programs over the real headers of {package.release}: {last}")
    env = {
        "BCC_TEST_TARGETS": ":".join(map(str, targets)),
        "BCC_TEST_HEADERS": ":".join(str(tree) for tree in trees.values()),
    }
    if bench:
        env |= {"BCC_BENCH_HEADERS": str(trees["6.12"])}
        env |= {"BCC_BENCH_TARGET": str(packages.fetch("6.12", apt).root)}
    status = cargo(profile, ["real_bench"] if bench else ["headers", "registers", "real"], env)
    for line in absent:
        print(f"not run: {line}")
    return 1 if absent or status else 0


if __name__ == "__main__":
    sys.exit(main())
