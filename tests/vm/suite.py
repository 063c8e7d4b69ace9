#!/usr/bin/env python3
"""Runs the tests that need a kernel inside guests, one boot per kernel.

    suite.py [--kernel SERIES]... [--only SUITE]... [--rest] [-- PYTEST_ARG...]

Rust test programs are built here and run there; results go to RESULTS/SERIES/SUITE.*, where
report.py reads them. With --rest, a suite that has results of the host runs what the host had to
skip (no kprobes, no fentry, nothing that traces the whole machine), and the first scripts' tests.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kernels
import qemu
import snapshot

TOP = Path(__file__).resolve().parents[2]
KERNELS = ["6.1", "6.12"]
# A directory of pytest files each, but for the first: Rust integration tests.
SUITES = ["kernel", "python", "symbols", "api", "tools", "guest"]
MINUTES = 45
# Run on every kernel, whatever the host could: the scripts that show the whole pipeline.
FIRST = ["test_examples", "test_execsnoop", "test_opensnoop", "test_biolatency"]
# Emulation takes a core each.
GUESTS = 2


def rust_tests(profile: str, wanted: Callable[[str], bool]) -> list[str]:
    """Builds the wanted integration tests of the crate that talks to the kernel; their programs."""
    command = ["cargo", "test", "--quiet", "--profile", profile, "--no-run"]
    # The selection of `x test kernel`, so that cargo builds nothing twice.
    command += ["--message-format=json", "--workspace", "--exclude", "bcc-python"]
    tests = TOP / "bcc-core/tests"
    names = [f.stem for f in tests.glob("*.rs")] + [f.parent.name for f in tests.glob("*/main.rs")]
    for name in sorted(filter(wanted, names)):
        command += ["--test", name]
    # One guest's build is another's: cargo waits for its own lock.
    built = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, text=True, check=True)
    programs = []
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and "test" in message["target"]["kind"]:
            programs.append(message["executable"])
    return programs


def is_rows(name: str) -> bool:
    """The program that prints the rows of the Rust API, for the API suite."""
    return name == "rows"


def other_than_rows(name: str) -> bool:
    return not is_rows(name)


def rest(suite: str, host: Path) -> list[str]:
    """The tests of a suite that the host skipped and those of FIRST; all, if it never ran there."""
    if not (host / f"{suite}.xml").exists():
        return [f"tests/{suite}"]
    nodes = [f"tests/{suite}/{name}.py" for name in FIRST]
    nodes = [node for node in nodes if (TOP / node).exists()]
    for case in ElementTree.parse(host / f"{suite}.xml").iter("testcase"):
        module = case.get("classname", "").replace(".", "/")
        if case.find("skipped") is not None and Path(module).name not in FIRST:
            nodes.append(f"{module}.py::{case.get('name')}")
    return nodes


def plan(options: argparse.Namespace, extra: list[str], results: Path) -> dict[str, object]:
    """What inside.py is to run."""
    suites = [s for s in SUITES if s in (options.only or SUITES)]
    nodes = {s: [f"tests/{s}"] for s in suites if (TOP / "tests" / s).is_dir()}
    if options.rest:
        host = Path(options.results) / "host"
        nodes = {s: found for s in nodes if (found := rest(s, host))}
    return {
        "rust": rust_tests(options.profile, other_than_rows) if "kernel" in suites else [],
        "pytest": nodes,
        "extra": extra,
        "results": str(results),
    }


def run_on(series: str, options: argparse.Namespace, extra: list[str]) -> int:
    """Everything in one guest; its exit status."""
    kernel = kernels.get(series)
    results = Path(options.results) / series
    results.mkdir(parents=True, exist_ok=True)
    for old in results.iterdir():
        old.unlink()
    job_file = results / "plan.json"
    work = plan(options, extra, results)
    rows = rust_tests(options.profile, is_rows) if "api" in work["pytest"] else [""]
    job_file.write_text(json.dumps(work))
    env = dict(os.environ, BCC_TEST_KERNEL=series, BCC_TEST_DISK="vda", PYTHONDONTWRITEBYTECODE="1")
    env["BCC_RUST_ROWS"] = rows[0]
    job = qemu.Job(
        argv=["/usr/bin/python3", str(TOP / "tests/vm/inside.py"), str(job_file)],
        cwd=str(TOP),
        env=env,
        shares=[results],
        disks=["64M"],
        timeout=60 * MINUTES,
    )
    compiler = Path(os.environ["BCC_COMPILER"])
    print(f"[{series}] kernel {kernel.release}", flush=True)
    with snapshot.compile_server(kernel, compiler, job):
        return qemu.run(kernel, job, prefixed(series, 1), prefixed(series, 2))


def prefixed(series: str, fd: int) -> qemu.Sink:
    """Writes whole lines, each with its kernel in front: guests run side by side."""
    pending = bytearray()

    def write(data: bytes) -> None:
        pending.extend(data)
        *lines, rest = pending.split(b"\n")
        pending[:] = rest
        text = b"".join(b"[%s] %s\n" % (series.encode(), line) for line in lines)
        qemu.to_fd(fd)(text)

    return write


def try_on(series: str, options: argparse.Namespace, extra: list[str]) -> int:
    """As `run_on`; what kept the guest from running is a line and a status."""
    try:
        return run_on(series, options, extra)
    except (kernels.KernelError, snapshot.SnapshotError) as why:
        print(f"vm: {series}: {why}", file=sys.stderr)
        return qemu.NO_RESULT


def main() -> int:
    arguments, extra = sys.argv[1:], []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, extra = arguments[:at], arguments[at + 1 :]
    p = argparse.ArgumentParser(prog="x test vm")
    p.add_argument("-k", "--kernel", action="append", default=[], help="series, may be repeated")
    p.add_argument("--only", action="append", default=[], choices=SUITES)
    p.add_argument("--rest", action="store_true", help="what the host skipped")
    p.add_argument("--results", default=str(TOP / "target/test-results"))
    p.add_argument("--profile", default=os.environ.get("BCC_PROFILE", "release"))
    options = p.parse_args(arguments)
    series = options.kernel or KERNELS
    pool = ThreadPoolExecutor(max_workers=GUESTS)
    statuses = list(pool.map(lambda s: try_on(s, options, extra), series))
    failed = [f"{s} (status {n})" for s, n in zip(series, statuses, strict=True) if n]
    if failed:
        print(f"vm: failed on {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        # Guests and compile servers end with this process.
        os._exit(130)
