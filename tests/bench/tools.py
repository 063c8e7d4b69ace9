#!/usr/bin/env python3
"""What a start of each tool costs when the cache has its module, and what it keeps in memory.

    x bench tools [-n RUNS] [--json FILE] [--python MS] [TOOL...]

Times are from before the process is made to its first attached probe, medians over runs. "new pid"
is a start with -p and a process that did not exist before: its pid must not need a compile.

Tools whose hooks this machine lacks are measured in a guest, which is many times slower: --python
says what a Python that does nothing takes on the machine that the goal is for, and the goal becomes
as many times longer as the guest's own Python takes.

    x vm -k 6.12 -- python3 tests/bench/tools.py --python 9 cachestat ext4slower klockstat
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parents[1] / "tools"
GOAL_MS, GOAL_KIB = 70.0, 30 * 1024
# Options that keep a tool to process PID, or to nothing; all others take -p.
ARGUMENTS = {
    "argdist": ["-p", "PID", "-C", "p:c:getppid()"],
    "bashreadline": [],
    "biolatency": ["-d", "null"],
    "biosnoop": ["-d", "null"],
    "cachestat": [],
    "execsnoop": ["-P", "PID"],
    "filetop": ["-p", "PID"],
    "funccount": ["-p", "PID", "c:getppid"],
    "funclatency": ["-p", "PID", "c:getppid"],
    "mountsnoop": [],
    "softirqs": [],
    "stackcount": ["-p", "PID", "c:getppid"],
    "tcpstates": ["-L", "1"],
    "trace": ["-p", "PID", "c:getppid"],
}


class Process:
    """A process for tools to watch, that does nothing."""

    def __enter__(self) -> str:
        self.process = subprocess.Popen(["sleep", "infinity"])
        return str(self.process.pid)

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def start(name: str, pid: str, cache: str) -> dict[str, float] | str:
    """One start; or what the tool said when it attached nothing."""
    words = [word.replace("PID", pid) for word in ARGUMENTS.get(name, ["-p", "PID"])]
    env = dict(os.environ, BCC_CACHE_DIR=cache, PYTHONDONTWRITEBYTECODE="")
    read, write = os.pipe()
    command = [sys.executable, str(HERE / "tool_child.py"), str(TOOLS / f"{name}.py"), *words]
    # The child's third descriptor is where it reports.
    shell = ["sh", "-c", f'exec "$@" 3>&{write}', "sh", *command]
    env["BENCH_BEGUN"] = str(time.time())
    done = subprocess.run(
        shell, env=env, pass_fds=[write], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as report:
        text = report.read()
    if text:
        measured: dict[str, float] = json.loads(text)
        return measured
    said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    return said[-1]


def measure(name: str, runs: int) -> dict[str, Any] | str:
    """Medians by kind of start."""
    with tempfile.TemporaryDirectory() as cache:
        with Process() as pid:
            first = start(name, pid, cache)
            if isinstance(first, str):
                return first
            cached = [start(name, pid, cache) for _ in range(runs)]
        unseen = []
        for _ in range(runs):
            with Process() as pid:
                unseen.append(start(name, pid, cache))
    result: dict[str, Any] = {}
    for kind, starts in (("cached", cached), ("new pid", unseen)):
        numbers = [s for s in starts if not isinstance(s, str)]
        if len(numbers) != len(starts):
            return f"{kind}: {next(s for s in starts if isinstance(s, str))}"
        result[kind] = {k: statistics.median(n[k] for n in numbers) for k in numbers[0]}
    if "PID" not in ARGUMENTS.get(name, ["PID"]):
        del result["new pid"]
    return result


def interpreter(runs: int) -> float:
    """CPU of a Python that does nothing, in milliseconds: what each figure has in it."""
    code = "import time; print(time.process_time())"
    command = [sys.executable, "-c", code]
    spent = [float(subprocess.check_output(command)) for _ in range(runs)]
    return statistics.median(spent) * 1e3


def missed(name: str, kind: str, numbers: dict[str, float], goal: float) -> list[str]:
    found = []
    if (spent := numbers["cpu"] + numbers["compiler"]) > goal:
        found.append(f"{name}, {kind}: {spent:.0f} ms of CPU, the goal is {goal:.0f}")
    if numbers["compiler"]:
        found.append(f"{name}, {kind}: the compiler ran for {numbers['compiler']:.0f} ms")
    if numbers["steady"] > GOAL_KIB:
        found.append(f"{name}, {kind}: {numbers['steady'] / 1024:.0f} MiB, the goal is 30")
    return found


def main() -> int:
    p = argparse.ArgumentParser(prog="x bench tools")
    p.add_argument("-n", "--runs", type=int, default=3)
    p.add_argument("--json", type=Path, help="write the numbers here")
    p.add_argument("--python", type=float, metavar="MS", help="of a start elsewhere, see above")
    p.add_argument("tools", nargs="*")
    options = p.parse_args()
    # tplist only lists; it attaches nothing.
    names = options.tools or sorted(p.stem for p in TOOLS.glob("*.py") if p.stem != "tplist")
    bare = interpreter(options.runs)
    goal = GOAL_MS * bare / options.python if options.python else GOAL_MS
    print(f"{'tool':<15} {'start':<8} {'wall ms':>8} {'cpu ms':>8} {'of python':>9} {'steady MiB':>10}")
    print(f"{'(python3)':<15} {'':<8} {'':>8} {bare:>8.1f} {1:>9.1f}", flush=True)
    results, failures, absent = {}, [], []
    for name in names:
        result = measure(name, options.runs)
        if isinstance(result, str):
            absent.append(f"{name}: {result}")
            continue
        results[name] = result
        for kind, numbers in result.items():
            print(f"{name:<15} {kind:<8} {numbers['wall']:>8.1f} {numbers['cpu']:>8.1f} "
                  f"{numbers['cpu'] / bare:>9.1f} {numbers['steady'] / 1024:>10.1f}", flush=True)  # fmt: skip
            failures += missed(name, kind, numbers, goal)
    for line in absent:
        print(f"not measured: {line}")
    for line in failures:
        print(f"! {line}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
