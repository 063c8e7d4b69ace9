#!/usr/bin/env python3
"""The corpus below bcc-frontend/tests/headers for Debian's kernels, and programs over real headers.

    run.py [--bench] PROFILE

Fetches kernel packages (packages.py), asks their headers for the constants (headers/facts.py), and runs
the Rust tests that compile for them. A kernel that cannot be had is a failure, after all others were
tried. With --bench, the CPU of compiling the corpus is compared with that over the real headers of 6.12.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import packages

TOP = Path(__file__).resolve().parents[2]


def cargo(profile: str, tests: list[str], env: dict[str, str]) -> int:
    # The packages that x selects for all suites: another selection would build their crates anew.
    command = ["cargo", "test", "--profile", profile, "--no-fail-fast", "--workspace"]
    command += ["--exclude", "bcc-python"]
    command += [word for test in tests for word in ("--test", test)]
    command += ["--", "--include-ignored", "--nocapture", "--test-threads=1"]
    return subprocess.run(command, cwd=TOP, env=os.environ | env).returncode


def write_facts(package: packages.Package, tree: Path, directory: str) -> None:
    command = [sys.executable, str(TOP / "headers/facts.py"), str(tree)]
    facts = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (Path(directory) / f"{package.release}.c").write_text(facts)


def main() -> int:
    arguments = sys.argv[1:]
    bench = "--bench" in arguments
    profile = next((a for a in arguments if not a.startswith("-")), "release")
    answers = packages.Answers()
    absent, targets, trees = [], {}, {}
    for series in ("6.12",) if bench else packages.SERIES:
        try:
            targets[series] = package = packages.fetch(series, answers)
        except packages.kernels.KernelError as why:
            absent.append(f"{series or 'newest'}: {why}")
            continue
        try:
            trees[series] = packages.headers(package, answers)
        except packages.kernels.KernelError as why:
            # Backports keep old images longer than their headers.
            last = str(why).strip().splitlines()[-1]
            print(f"not run: what needs the real headers of {package.release}: {last}", flush=True)
    with tempfile.TemporaryDirectory() as facts:
        env = {
            "BCC_TEST_TARGETS": ":".join(str(package.root) for package in targets.values()),
            "BCC_TEST_HEADERS": ":".join(map(str, trees.values())),
            "BCC_TEST_FACTS": facts,
        }
        if bench:
            env |= {"BCC_BENCH_HEADERS": str(trees["6.12"])}
            env |= {"BCC_BENCH_TARGET": str(targets["6.12"].root)}
            tests = ["real_bench"]
        else:
            for series, tree in trees.items():
                write_facts(targets[series], tree, facts)
            tests = ["headers", "headers_facts", "registers", "real"]
        status = cargo(profile, tests, env)
    for line in absent:
        print(f"not run: {line}")
    return 1 if absent or status else 0


if __name__ == "__main__":
    sys.exit(main())
