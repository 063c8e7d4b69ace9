"""funccount counts a prime number of calls, whatever kind of probe sees them."""

import os

import pytest

SCRIPT = "tools/funccount.py"
PRIME, OTHER = 97, 13


def counts(tool):
    """FUNC and COUNT of all rows, by the columns under the header."""
    at = next(i for i, line in enumerate(tool.lines) if line.startswith("FUNC "))
    assert tool.lines[at] == f"{'FUNC':<36} {'COUNT':>8}"
    rows = [line for line in tool.lines[at + 1 :] if line and line != "Detaching..."]
    return {row[:36].rstrip(): int(row[36:]) for row in rows}


def test_functions_of_a_program(start, workload):
    tool = start(SCRIPT, "-p", str(workload.pid), f"{workload.path}:telling_*")
    pattern = f"{workload.path}:telling_*"
    assert tool.ready() == f'Tracing 8 functions for "{pattern}"... Hit Ctrl-C to end.'
    workload.do("add", PRIME, "text")
    workload.do("multiply", OTHER, 3)
    assert tool.interrupt() == 0, tool.report()
    assert counts(tool) == {"telling_add": PRIME, "telling_multiply": OTHER}, tool.report()
    assert list(counts(tool)) == ["telling_multiply", "telling_add"]
    assert tool.lines[1] == "" and tool.lines[-1] == "Detaching..."
    assert tool.errors == []


def test_a_library_and_a_regular_expression(start, workload):
    tool = start(SCRIPT, "-T", "-r", "-p", str(workload.pid), "c:^getppid$")
    tool.ready()
    workload.do("parents", PRIME)
    assert tool.interrupt() == 0
    assert counts(tool) == {"getppid": PRIME}, tool.report()
    assert tool.lines[2][2] == ":" and len(tool.lines[2]) == 8


def test_tracepoints(start, workload):
    tool = start(SCRIPT, "-p", str(workload.pid), "t:syscalls:sys_e*_getppid")
    tool.ready()
    workload.do("parents", PRIME)
    assert tool.interrupt() == 0
    assert counts(tool) == {
        "syscalls:sys_enter_getppid": PRIME, "syscalls:sys_exit_getppid": PRIME,
    }, tool.report()  # fmt: skip


def test_static_probes(start, workload):
    tool = start(SCRIPT, "-p", str(workload.pid), f"u:{workload.path}:add*")
    tool.ready()
    workload.do("add", PRIME, "text")
    assert tool.interrupt() == 0
    assert counts(tool) == {"added": PRIME}, tool.report()


def test_kernel_functions(start, workload, in_guest):
    tool = start(SCRIPT, "-p", str(workload.pid), "*_sys_getppid")
    tool.ready()
    workload.do("parents", PRIME)
    assert tool.interrupt() == 0
    (count,) = {count for name, count in counts(tool).items() if name.endswith("_sys_getppid")}
    assert count == PRIME, tool.report()


def test_json_every_interval(start, workload):
    tool = start(SCRIPT, "--json", "-i", "1", "-p", str(workload.pid), "c:getppid")
    tool.knock(lambda: workload.do("parents", 1))
    workload.do("parents", PRIME)
    assert tool.interrupt() == 0
    assert {r["function"] for r in tool.json()} == {"getppid"}
    assert sum(r["count"] for r in tool.json()) > PRIME


@pytest.mark.parametrize(
    ("args", "error", "status"),
    [
        (["x:c:getppid"], "Type must be 'p', 't', or 'u', but got x", 1),
        (["p:c:get:ppid"], "Too many ':'-separated components in pattern p:c:get:ppid", 1),
        (["nosuchlib:getppid"], "unable to find library nosuchlib", 1),
        (["c:no_such_function"], "No functions matched by pattern ^no_such_function$", 1),
        (["-r", "c:("], None, 1),
        ([], "funccount.py: error: the following arguments are required: pattern", 2),
    ],
)
def test_mistakes_are_one_line(start, args, error, status):
    tool = start(SCRIPT, *args)
    assert tool.finish() == status
    assert tool.lines == []
    assert error is None or tool.errors[-1] == error
    assert status == 2 or len(tool.errors) == 1, tool.report()


def test_a_program_in_path_is_found(start):
    tool = start(SCRIPT, "-p", str(os.getpid()), "bash:no_such_function")
    assert tool.finish() == 1
    assert tool.errors == ["No functions matched by pattern ^no_such_function$"]
