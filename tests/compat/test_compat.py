"""Debian's own `bpfcc-tools`, unmodified, on our package, in Debian's kernels.

    x test compat [-- --kernel 6.1 --tool opensnoop]
"""

from pathlib import Path

import pytest

from examples import DIRECTORY, EXAMPLES, OTHERS
from tools import BASELINE, TOOLS, WRAPPERS

# The first test of a kernel waits for its guest, which has a limit of its own.
pytestmark = pytest.mark.timeout(0)


def test_every_tool_of_the_package_is_in_the_table():
    installed = {path.name.removesuffix("-bpfcc") for path in Path("/usr/sbin").glob("*-bpfcc")}
    assert installed - WRAPPERS == {tool.name for tool in TOOLS if not tool.program}


def test_every_example_of_the_package_is_in_the_table():
    installed = {str(p.relative_to(DIRECTORY))[:-3] for p in Path(DIRECTORY).rglob("*.py")}
    assert installed - OTHERS == {example.name for example in EXAMPLES}


def test_a_tool_attaches_and_prints_its_first_rows(guests, series, tool):
    result = guests.results(series)[tool.name]
    told = "\n".join([result["output"], *result["errors"]])
    if tool.fails_on(series):
        assert not (result["attached"] and result["rows"]), "it works now: take the reason out"
        assert result["status"] is not None and result["status"] >= 0, told
        return
    assert result["ours"] or tool.plain, f"the tool did not use our package\n{told}"
    assert result["attached"] or tool.plain, told
    assert result["rows"] or tool.quiet_on(series), told


def test_no_fewer_attach_than_with_debians_library(guests, series):
    results = guests.results(series)
    if any(tool.name not in results for tool in TOOLS):
        return  # Some tools were chosen by name.
    attached = sum(results[tool.name]["attached"] for tool in TOOLS)
    assert attached >= BASELINE[series]
