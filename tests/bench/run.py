#!/usr/bin/env python3
"""Ours and a peer at the same work, in one table and as JSON with every sample.

An area is a script here that any Python with any `bcc` can run without arguments (startup, maps, …); it
prints one JSON object, {row: {"value", "unit", "better": "lower" or "higher", "samples", and perhaps
"child": what children had of each sample, "notes": what else was seen}}. Areas are run alternately with
our `bcc` and the peer's; a row's figure is the median over all samples. It passes when its ratio to the
peer is no worse than rows.py says; without a peer our figures are all there is.

    PEER_PYTHON        an interpreter with another `bcc`: /usr/bin/python3 with Debian's python3-bpfcc
    PEER_PYTHONPATH    where that interpreter finds it
    BCC_KERNEL_SOURCE  kernel headers for the peer; `debian` unpacks those of Debian's 6.1 kernel into
                       the cache directory of the guests' kernels (BCC_VM_CACHE)
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rows import LIMITS, Limit

HERE = Path(__file__).resolve().parent
# Scripts that are not areas.
OTHERS = {
    "child", "compile", "kprobes", "rows", "run", "samples", "stacks", "stream", "texts", "tool_child", "tools",
}  # fmt: skip
NOTED = "cached: "
# What a peer would take hours for, or cannot do at all (Debian's 0.26, a thousand uprobes).
ALONE = {"scale", "uprobes"}
Row = dict[str, Any]


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def debian_headers() -> Path:
    """One tree out of the two packages of Debian's 6.1 headers, for a `bcc` that wants one."""
    sys.path.insert(0, str(HERE.parent / "headers"))
    import packages

    merged: Path = packages.kernels.cache_dir() / "packages" / "merged-headers"
    if not merged.exists():
        newest = packages.available("6.1", packages.apt_options())[0]
        own = packages.headers(packages.Package(newest), packages.Answers())
        common = own.with_name(own.name.replace("-amd64", "-common"))
        unfinished = merged.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(common, unfinished, symlinks=True)
        # What this package has replaces what the common one has, links included.
        subprocess.run(["cp", "-a", "--remove-destination", f"{own}/.", unfinished], check=True)
        unfinished.rename(merged)
    return merged


def sides() -> dict[str, tuple[str, dict[str, str]]]:
    """Interpreter and environment of ours and of the peer, if there is one."""
    common = dict(os.environ, PYTHONDONTWRITEBYTECODE="")
    source = common.pop("BCC_KERNEL_SOURCE", None)
    found = {"ours": (sys.executable, common)}
    if "PEER_PYTHON" in os.environ or "PEER_PYTHONPATH" in os.environ:
        env = {k: v for k, v in common.items() if k not in ("PYTHONPATH", "BCC_COMPILER")}
        if path := os.environ.get("PEER_PYTHONPATH"):
            env["PYTHONPATH"] = path
        if source:
            env["BCC_KERNEL_SOURCE"] = str(debian_headers()) if source == "debian" else source
        found["peer"] = (os.environ.get("PEER_PYTHON", sys.executable), env)
    return found


def areas() -> list[str]:
    return sorted(p.stem for p in HERE.glob("*.py") if p.stem not in OTHERS)


def run_area(area: str, side: str, python: str, env: dict[str, str]) -> dict[str, Row] | None:
    """The rows that one run of an area prints; None when it failed."""
    command = [python, str(HERE / f"{area}.py")]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        say(f"{area} failed with {side}: status {done.returncode}")
        return None
    rows: dict[str, Row] = json.loads(done.stdout.splitlines()[-1])
    return rows


def merge(into: dict[str, Row], rows: dict[str, Row]) -> None:
    for name, row in rows.items():
        if name not in into:
            into[name] = row
            continue
        known = into[name]
        for part in ("samples", "child"):
            known.setdefault(part, []).extend(row.get(part, []))
        known["notes"] = sorted({*known.get("notes", []), *row.get("notes", [])})


def measure(chosen: list[str], rounds: int) -> tuple[dict[str, dict[str, Row]], list[str]]:
    """Rows by side, and the areas that failed."""
    found = sides()
    results: dict[str, dict[str, Row]] = {side: {} for side in found}
    failed = []
    for area in chosen:
        for number in range(rounds):
            for side, (python, env) in found.items():
                if side == "peer" and area in ALONE:
                    continue
                say(f"{area}, {side}, {number + 1} of {rounds}")
                rows = run_area(area, side, python, env)
                if rows is None:
                    failed.append(f"{area} with {side}")
                else:
                    merge(results[side], rows)
    for rows in results.values():
        for row in rows.values():
            row["value"] = statistics.median(row["samples"])
    return results, failed


def ratio(row: Row, ours: float, theirs: float) -> float:
    """How many times the peer's cost ours is: below 1 is better than the peer."""
    return ours / theirs if row["better"] == "lower" else theirs / ours


def verdict(row: Row, measured: float | None, limit: Limit | None) -> str:
    if row.get("broken"):
        return "WRONG: " + "; ".join(row["notes"])
    if measured is None or limit is None:
        return ""
    if measured <= ratio(row, limit.aim, limit.upstream):
        return "aim"
    return "must" if measured <= ratio(row, limit.must, limit.upstream) else "MISSED"


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def line(name: str, unit: str, cells: tuple[str, ...]) -> str:
    return f"{name:<34} {unit:<5} " + " ".join(f"{cell:>8}" for cell in cells)


def table(results: dict[str, dict[str, Row]]) -> list[str]:
    head = ("ours", "(child)", "peer", "ratio", "must", "aim", "verdict")
    lines = [line("row", "unit", head)]
    peer = results.get("peer", {})
    for name, row in results["ours"].items():
        # A start from the cache that compiled all the same was no such start.
        row["broken"] = name.startswith(NOTED) and bool(row.get("notes"))
        limit = LIMITS.get(name)
        theirs = peer[name]["value"] if name in peer else None
        measured = None if theirs is None else ratio(row, row["value"], theirs)
        allowed = [ratio(row, x, limit.upstream) for x in (limit.must, limit.aim)] if limit else []
        child = statistics.median(row["child"]) if any(row.get("child", [])) else None
        row["verdict"] = verdict(row, measured, limit)
        numbers = (row["value"], child, theirs, measured, *(allowed or (None, None)))
        lines.append(line(name, row["unit"], (*map(number, numbers), row["verdict"])))
    return lines


def main() -> int:
    plain = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(prog="x bench", description=__doc__, formatter_class=plain)
    p.add_argument("-n", "--rounds", type=int, default=3)
    p.add_argument("--json", type=Path, help="write the numbers here")
    p.add_argument("areas", nargs="*", metavar="AREA", help=f"some of {' '.join(areas())}")
    options = p.parse_args()
    if unknown := set(options.areas) - set(areas()):
        p.error(f"no such area: {' '.join(sorted(unknown))}")
    results, failed = measure(options.areas or areas(), options.rounds)
    print("\n".join(table(results)))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1) + "\n")
        say(f"every sample is in {options.json}")
    for line in failed:
        print(f"! failed: {line}")
    missed = any(row["verdict"].isupper() or row["broken"] for row in results["ours"].values())
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
