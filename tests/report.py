#!/usr/bin/env python3
"""How many tests ran where: a table, a comparison with tests/expected_counts.toml, a last line.

    report.py [--part] RESULTS [WHERE/SUITE...]

RESULTS/WHERE/SUITE.xml is pytest's JUnit output and SUITE.txt that of Rust's test programs; WHERE
is `host` or a guest's kernel series. SUITE.again.* is the second run of what failed. Named suites
must have results. Fails when a test failed, when a suite passed fewer tests than recorded, or when
a test was skipped wherever it was tried; with --part, when only some tests were selected, the last
are only named.
"""

from __future__ import annotations

import re
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

EXPECTED = Path(__file__).resolve().parent / "expected_counts.toml"
# Characters of a failure's reason that are shown: what a tool printed is often part of it.
MESSAGE = 800


@dataclass
class Outcome:
    """What a suite did in one place."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    second: set[str] = field(default_factory=set)
    # The start of what pytest says of a failure, by the test's name.
    why: dict[str, str] = field(default_factory=dict)

    def merge(self, again: Outcome) -> None:
        """Counts as passed what failed first and passed when run once more."""
        self.second = self.failed & again.passed
        self.failed -= self.second
        self.passed |= self.second

    def named(self, name: str) -> str:
        """A failed test with its reason, where that is known."""
        return f"{name}: {self.why[name]}" if name in self.why else name


def read_junit(path: Path, outcome: Outcome) -> None:
    """Adds the test cases of a JUnit file."""
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag: child for child in case}
        wrong = kinds.get("failure", kinds.get("error"))
        if wrong is not None:
            outcome.failed.add(name)
            outcome.why[name] = wrong.get("message", "")[:MESSAGE].replace("\n", " ")
        elif "skipped" in kinds:
            outcome.skipped.add(name)
        else:
            outcome.passed.add(name)


def read_rust(path: Path, outcome: Outcome) -> None:
    """Adds the lines `test NAME ... ok` of Rust's test programs, one set per program."""
    program = 0
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith("running "):
            program += 1
        # What is marked to be ignored is run by another command, which its reason names.
        if match := re.match(r"test (.+?) \.\.\. (?!ignored).*?(ok|FAILED)", line):
            into = outcome.passed if match.group(2) == "ok" else outcome.failed
            into.add(f"{program}::{match.group(1)}")


def read(results: Path) -> dict[tuple[str, str], Outcome]:
    """Every suite of every place."""
    found: dict[tuple[str, str], Outcome] = {}
    for path in sorted(results.glob("*/*")):
        if path.suffix in (".xml", ".txt"):
            outcome = found.setdefault((path.parent.name, path.stem), Outcome())
            (read_junit if path.suffix == ".xml" else read_rust)(path, outcome)
    for place, suite in [key for key in found if key[1].endswith(".again")]:
        found[place, suite.removesuffix(".again")].merge(found.pop((place, suite)))
    return found


def complaints(found: dict[tuple[str, str], Outcome], wanted: list[str]) -> list[str]:
    """Everything that makes the run a failure, a line each."""
    expected = tomllib.loads(EXPECTED.read_text())
    lines = []
    for place, suite in (w.split("/") for w in wanted):
        # Suites that print their own table leave no results.
        if (place, suite) not in found and suite in expected.get(place, {}):
            lines.append(f"{place}/{suite} has no results")
    for (place, suite), outcome in found.items():
        lines += [f"{place}/{suite} failed: {outcome.named(n)}" for n in sorted(outcome.failed)]
        least = expected.get(place, {}).get(suite, 0)
        if len(outcome.passed) < least:
            lines.append(f"{place}/{suite} passed {len(outcome.passed)}, recorded are {least}")
    return lines


def nowhere(found: dict[tuple[str, str], Outcome]) -> list[str]:
    """Tests of suites that ran in several places, and were skipped in each of them."""
    lines = []
    for suite in sorted({suite for _, suite in found}):
        here = [o for (_, s), o in found.items() if s == suite]
        passed = set().union(*(o.passed for o in here))
        never = set().union(*(o.skipped for o in here)) - passed
        # One place alone may well lack what a test needs.
        if len(here) > 1:
            lines += [f"{suite} ran nowhere: {name}" for name in sorted(never)]
    return lines


def main() -> int:
    arguments = sys.argv[1:]
    part = arguments[:1] == ["--part"]
    results, wanted = Path(arguments[part]), arguments[part + 1 :]
    found = read(results)
    if wanted:
        found = {(p, s): o for (p, s), o in found.items() if f"{p}/{s}" in wanted}
    print(f"{'where':<8} {'suite':<10} {'passed':>6} {'failed':>6} {'skipped':>7}")
    for (place, suite), o in sorted(found.items()):
        print(f"{place:<8} {suite:<10} {len(o.passed):>6} {len(o.failed):>6} {len(o.skipped):>7}")
    for (place, suite), o in sorted(found.items()):
        for name in sorted(o.second):
            print(f"~ {place}/{suite} passed only when run again: {o.named(name)}")
    wrong, missed = complaints(found, wanted), nowhere(found)
    if part:
        for line in missed:
            print(f"- {line}")
    else:
        wrong += missed
    for line in wrong:
        print(f"! {line}")
    passed = sum(len(o.passed) for o in found.values())
    failed = sum(len(o.failed) for o in found.values())
    print(f"{passed} passed, {failed} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
