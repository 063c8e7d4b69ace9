#!/usr/bin/env python3
"""What a start costs: time of import, construction (cold and cached), load and attach; memory.

    run.py [-n RUNS] [--json FILE]

Each value is the median over runs, each in a process of its own. "cold" has an empty cache
directory, "cached" one that holds the module. PEER_PYTHON names an interpreter with another `bcc`:
it runs the same programs, and the table then shows the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
HELLO = """
int hello(struct tracepoint__syscalls__sys_enter_getppid *args)
{
    bpf_trace_printk("Hello, World!\\n");
    return 0;
}
"""
# What issue and design promise of one start on two cores: milliseconds of CPU, KiB.
GOALS = {("opensnoop", "cold"): 150.0, ("opensnoop", "cached"): 15.0}
STEADY_KIB = 40 * 1024


def tool_text(name: str) -> str:
    """The C of a tool, as it prints it."""
    command = [sys.executable, str(TOP / "tools" / f"{name}.py"), "--ebpf"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def programs() -> dict[str, dict[str, Any]]:
    """The programs measured, as child.py takes them."""
    opens = {}
    for call in ("open", "openat", "openat2"):
        opens[f"syscalls:sys_enter_{call}"] = f"enter_{call}"
        opens[f"syscalls:sys_exit_{call}"] = f"exit_{call}"
    block = {"block:block_rq_issue": "begin_request", "block:block_rq_complete": "end_request"}
    return {
        "hello": {"text": HELLO, "cflags": [], "attach": {"syscalls:sys_enter_getppid": "hello"}},
        "opensnoop": {
            "text": tool_text("opensnoop"),
            "cflags": ["-DHAVE_OPEN", "-DHAVE_OPENAT2"],
            "attach": opens,
        },
        "biolatency": {"text": tool_text("biolatency"), "cflags": [], "attach": block},
    }


def measure(python: str, program: dict[str, Any], cache: str) -> dict[str, Any]:
    env = dict(os.environ, BCC_CACHE_DIR=cache, PYTHONDONTWRITEBYTECODE="")
    if python != sys.executable:
        env.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, str(HERE / "child.py")], input=json.dumps(program), env=env,
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def median(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Field by field."""
    first = runs[0]
    return {
        stage: {k: statistics.median(r[stage][k] for r in runs) for k in first[stage]}
        for stage in first
    }


def measure_all(python: str, count: int) -> dict[str, dict[str, Any]]:
    """program -> cold/cached -> stages."""
    results: dict[str, dict[str, Any]] = {}
    for name, program in programs().items():
        cold = []
        for _ in range(count):
            with tempfile.TemporaryDirectory() as cache:
                cold.append(measure(python, program, cache))
        with tempfile.TemporaryDirectory() as cache:
            measure(python, program, cache)
            cached = [measure(python, program, cache) for _ in range(count)]
        results[name] = {"cold": median(cold), "cached": median(cached)}
    return results


def cpu(stages: dict[str, Any]) -> float:
    """CPU of a construction, the compiler's included."""
    return float(stages["construct"]["cpu"] + stages["construct"]["children"])


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    """Lines for people; times in milliseconds, memory in MiB."""
    lines = [
        f"{'':<11} {'':<7} {'import':>13} {'BPF(text)':>21} {'load+attach':>13} {'RSS':>13}",
        f"{'program':<11} {'cache':<7} {'wall':>6} {'cpu':>6} {'wall':>7} {'cpu':>6} {'child':>6} "
        f"{'wall':>6} {'cpu':>6} {'peak':>6} {'steady':>6}",
    ]
    for name, kinds in results.items():
        for kind, s in kinds.items():
            i, c, a, m = s["import"], s["construct"], s["attach"], s["memory"]
            lines.append(
                f"{name:<11} {kind:<7} {i['wall']:>6.1f} {i['cpu']:>6.1f} {c['wall']:>7.1f} "
                f"{c['cpu']:>6.1f} {c['children']:>6.1f} {a['wall']:>6.1f} {a['cpu']:>6.1f} "
                f"{m['peak'] / 1024:>6.1f} {m['steady'] / 1024:>6.1f}"
            )
    return lines


def missed_goals(results: dict[str, dict[str, Any]]) -> list[str]:
    missed = []
    for (name, kind), limit in GOALS.items():
        if (got := cpu(results[name][kind])) > limit:
            missed.append(f"{name} {kind}: {got:.0f} ms of CPU, the goal is {limit:.0f}")
    for name, kinds in results.items():
        if (kib := kinds["cached"]["memory"]["steady"]) > STEADY_KIB:
            missed.append(f"{name}: {kib / 1024:.0f} MiB, the goal is {STEADY_KIB // 1024}")
    return missed


def main() -> int:
    p = argparse.ArgumentParser(prog="x bench")
    p.add_argument("-n", "--runs", type=int, default=7)
    p.add_argument("--json", type=Path, help="write the numbers here")
    options = p.parse_args()
    results = {"ours": measure_all(sys.executable, options.runs)}
    print("\n".join(table(results["ours"])))
    for line in missed_goals(results["ours"]):
        print(f"! {line}")
    if peer := os.environ.get("PEER_PYTHON"):
        results["peer"] = measure_all(peer, options.runs)
        print("\npeer")
        print("\n".join(table(results["peer"])))
        for name, kinds in results["ours"].items():
            for kind, stages in kinds.items():
                ratio = cpu(results["peer"][name][kind]) / max(cpu(stages), 0.01)
                print(f"{name} {kind}: BPF(text) in 1/{ratio:.1f} of the peer's CPU")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
