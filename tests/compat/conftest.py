"""Options, one guest per kernel, and the table at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))

import kernels  # noqa: E402
import qemu  # noqa: E402
import snapshot  # noqa: E402

from examples import ALL, EXAMPLES  # noqa: E402
from tools import BASELINE_NOTE, TOOLS, Tool  # noqa: E402

KERNELS = ["6.1", "6.12"]
# For a busy machine; one that is idle needs a tenth.
LIMIT = 3600
# The first is block I/O's, the others carry ext4, btrfs and xfs.
DISKS = ["64M", "64M", "128M", "320M"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kernel", action="append", default=[], help="series, may be repeated")
    parser.addoption("--tool", action="append", default=[], help="only this tool, or DIRECTORY/ of examples")


def chosen_kernels(config: pytest.Config) -> list[str]:
    return config.getoption("--kernel") or KERNELS


def chosen_tools(config: pytest.Config) -> list[Tool]:
    names = config.getoption("--tool")
    directories = tuple(name for name in names if name.endswith("/"))
    return [t for t in ALL if not names or t.name in names or t.name.startswith(directories)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "series" in metafunc.fixturenames:
        metafunc.parametrize("series", chosen_kernels(metafunc.config), scope="session")
    if "tool" in metafunc.fixturenames:
        metafunc.parametrize("tool", chosen_tools(metafunc.config), ids=lambda t: t.name)


class Guests:
    """What was seen in each kernel; a guest is started when its results are first asked for."""

    def __init__(self, directory: Path, tools: list[Tool]) -> None:
        self.directory, self.tools = directory, tools
        self.seen: dict[str, dict[str, dict[str, Any]]] = {}

    def results(self, series: str) -> dict[str, dict[str, Any]]:
        """By tool, what guest.py reported."""
        if series not in self.seen:
            self.seen[series] = {}
            self.seen[series] = self._boot(series)
        return self.seen[series]

    def _boot(self, series: str) -> dict[str, dict[str, Any]]:
        kernel = kernels.get(series)
        share = self.directory / series
        share.mkdir()
        program, report, plan = share / "target", share / "report", share / "plan"
        source = str(HERE / "target.c")
        subprocess.run(["gcc", "-O1", "-pthread", "-o", str(program), source], check=True)
        names = [t.name for t in self.tools]
        plan.write_text(json.dumps({"only": names, "results": str(report), "target": str(program)}))
        argv = ["/usr/bin/python3", str(HERE / "guest.py"), str(plan)]
        job = qemu.Job(argv=argv, shares=[share], disks=DISKS, timeout=LIMIT)
        job.env |= {"BCC_TEST_KERNEL": series}
        output = bytearray()

        def note(data: bytes) -> None:
            output.extend(data)
            os.write(2, data)

        with snapshot.compile_server(kernel, Path(os.environ["BCC_COMPILER"]), job):
            status = qemu.run(kernel, job, note, note)
        assert status == 0, f"guest {kernel.release} ended with {status}: {output[-2000:]!r}"
        lines = report.read_text().splitlines()
        return {result["name"]: result for result in map(json.loads, lines)}


_guests: list[Guests] = []


@pytest.fixture(scope="session")
def guests(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Guests:
    """The guests of this run."""
    directory = tmp_path_factory.mktemp("compat")
    # Only what is asked for: when failed tests are run again, few are.
    called = [getattr(item, "callspec", None) for item in request.session.items]
    names = {call.params["tool"].name for call in called if call and "tool" in call.params}
    _guests.append(Guests(directory, [t for t in ALL if t.name in names]))
    return _guests[-1]


def reason(result: dict[str, Any]) -> str:
    """The line of a tool's output that says most about its failure."""
    lines = [line for line in result["errors"] if line.strip() and not line.startswith(" ")]
    lines += [line for line in result["output"].splitlines() if "rror" in line]
    return lines[-1].strip() if lines else f"no such row; exit status {result['status']}"


def table(guests: Guests) -> list[str]:
    """One line per tool and kernel, and the sums."""
    form = "{:<40} {:<6} {:<7} {:<9} {:<5} {}"
    lines = [form.format("TOOL", "KERNEL", "DEBIAN", "ATTACHED", "ROWS", "WHY NOT")]
    for tool in guests.tools:
        for series, results in guests.seen.items():
            result = results.get(tool.name)
            why_not_theirs = tool.debian_on(series)
            debian = "no" if why_not_theirs else "-"
            if result is None:
                lines.append(form.format(tool.name, series, debian, "-", "-", "not run"))
                continue
            quiet = tool.quiet_on(series)
            good = (result["rows"] or quiet) and (result["attached"] or tool.plain)
            theirs = f"Debian's: {why_not_theirs}" if why_not_theirs else ""
            why = quiet or theirs if good else tool.fails_on(series) or reason(result)
            attached = "none" if tool.plain else "yes" if result["attached"] else "no"
            rows = "yes" if result["rows"] else "no"
            lines.append(form.format(tool.name, series, debian, attached, rows, why[:140]))
    for series, results in guests.seen.items():
        for kind, scripts in (("tools", TOOLS), ("examples", EXAMPLES)):
            seen = [results[tool.name] for tool in scripts if tool.name in results]
            attached, rows = (sum(r[what] for r in seen) for what in ("attached", "rows"))
            lines.append(f"{series}: {len(seen)} {kind}, {attached} attached, {rows} gave rows")
    return [*lines, BASELINE_NOTE]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for guests in _guests:
        terminalreporter.section("Debian's tools on our package")
        for line in table(guests):
            terminalreporter.write_line(line)
