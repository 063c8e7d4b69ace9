"""One line per row of the API: `x test api` prints what each asserted, and on which kernel."""

import os

import bcc
import pytest
from bcc import BPF
from counted import COUNT, MINE

_ROWS = []


@pytest.fixture
def row(request):
    """`row(name, value)`: this test has shown `name`, and this is what it saw."""

    def show(name, value):
        _ROWS.append((name, value))

    return show


@pytest.fixture
def needs():
    """`needs("kprobe_multi")`: skips, and the row counts as missing on this kernel."""

    def check(feature):
        from bcc import _native

        if feature == "kprobes":
            there = os.path.exists("/sys/bus/event_source/devices/kprobe")
        else:
            there = _native.supports(feature)
        if not there:
            pytest.skip(f"this kernel has no {feature}")

    return check


@pytest.fixture
def counter():
    text = COUNT + "int f(void *ctx) { return hit(); }"
    with BPF(text=text.encode(), cflags=MINE) as b:
        yield b


def pytest_terminal_summary(terminalreporter):
    """The table: kernel, row, value; then the rows that this kernel could not show."""
    kernel = os.uname().release
    if "site-packages" in bcc.__file__:
        _ROWS.append(("the wheel, installed in a clean environment", bcc.__file__))
    write = terminalreporter.write_line
    for name, value in sorted(_ROWS):
        write(f"{kernel:24} {name:48} {value}")
    for kind in ("skipped", "failed", "error"):
        for report in terminalreporter.stats.get(kind, []):
            name = report.nodeid.partition("::")[2].removeprefix("test_")
            write(f"{kernel:24} {name:48} MISSING ({kind})")
    write(f"{len(_ROWS)} rows shown on {kernel}")
