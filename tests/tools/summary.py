#!/usr/bin/env python3
"""A line for each tool and kernel: how many rows of it were checked there, or why none.

    summary.py [--rest] RESULTS

RESULTS/WHERE/tools.xml is pytest's JUnit output, in which `conftest.py` notes each start of a tool
with the lines that it printed; tools.again.xml is the second run of what failed. A tool may be left
out on the host with a reason. In a guest every tool must have rows, but with --rest, where guests
have only what the host skipped. Fails when one is missing or failed.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
# This machine, and the guests of tests/vm/suite.py.
PLACES = ("host", "6.1", "6.12")


@dataclass
class Checked:
    """What the tests of a place say of one tool."""

    tests: int = 0
    rows: int = 0
    failed: set[str] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)


def read(directory: Path) -> dict[str, Checked]:
    """All tools of one place."""
    found: dict[str, Checked] = {}
    for file in (directory / "tools.xml", directory / "tools.again.xml"):
        if file.exists():
            for case in ElementTree.parse(file).iter("testcase"):
                add(found, case)
    return found


def add(found: dict[str, Checked], case: ElementTree.Element) -> None:
    name = f"{case.get('classname')}::{case.get('name')}"
    module = str(case.get("classname")).rpartition("test_")[2]
    started = {p.get("name"): int(str(p.get("value"))) for p in case.iter("property")}
    outcomes = {child.tag: child for child in case}
    if (skipped := outcomes.get("skipped")) is not None:
        found.setdefault(module, Checked()).reasons.add(str(skipped.get("message")))
        return
    for tool, rows in started.items():
        checked = found.setdefault(str(tool), Checked())
        if outcomes.keys() & {"failure", "error"}:
            checked.failed.add(name)
        else:
            checked.failed.discard(name)
            checked.tests += 1
            checked.rows += rows


def line(place: str, checked: Checked, host: Checked, rest: bool) -> tuple[str, bool]:
    """What is said of a tool, and whether that will do."""
    if checked.failed:
        return f"FAILED {len(checked.failed)} of {checked.tests + len(checked.failed)} tests", False
    if checked.rows:
        return f"{checked.rows} rows in {checked.tests} tests", True
    if place == "host" and checked.reasons:
        return "not run: " + "; ".join(sorted(checked.reasons)), True
    if rest and host.rows:
        return "left to the host", True
    return "MISSING", False


def main() -> int:
    rest, results = "--rest" in sys.argv, Path(sys.argv[-1])
    places = {place: read(results / place) for place in PLACES}
    good = True
    for tool in sorted(path.stem for path in TOOLS.glob("*.py")):
        host = places["host"].get(tool, Checked())
        for place, found in places.items():
            text, will_do = line(place, found.get(tool, Checked()), host, rest)
            good &= will_do
            print(f"{tool:<15} {place:<5} {text}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
