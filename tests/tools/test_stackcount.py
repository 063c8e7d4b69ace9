"""stackcount shows the path that led to a function, with a prime number of walks."""

import ctypes
import json
import os

import pytest

SCRIPT = "tools/stackcount.py"
PRIME = 89


def entries(tool):
    """Blocks of frames as (frames, count)."""
    blocks, block = [], []
    for line in tool.lines[1:]:
        if line and line != "Detaching...":
            block.append(line)
            continue
        if block:
            blocks.append((block[:-1], int(block[-1])))
        block = []
    return blocks


def test_stacks_of_a_function(start, workload):
    pattern = f"{workload.path}:telling_multiply"
    tool = start(SCRIPT, "-U", "-s", "-p", str(workload.pid), pattern)
    assert tool.ready() == f'Tracing 1 functions for "{pattern}"... Hit Ctrl-C to end.'
    workload.do("multiply", PRIME, 3)
    assert tool.interrupt() == 0, tool.report()
    ((frames, count),) = entries(tool)
    assert count == PRIME
    assert frames[0] == "  telling_multiply+0x0", tool.report()
    assert any(frame.startswith("  main+0x") for frame in frames)
    assert tool.lines[1] == "" and tool.lines[-1] == "Detaching..."
    assert f"    {PRIME}" in tool.lines and tool.errors == []


def test_stacks_of_a_tracepoint(start, workload):
    tool = start(SCRIPT, "-d", "-p", str(workload.pid), "t:syscalls:sys_enter_nanosleep")
    tool.ready()
    workload.do("sleep", 7, 1)
    assert tool.interrupt() == 0
    ((frames, count),) = entries(tool)
    assert count == 7
    middle = frames.index("    --")
    assert frames.index("  telling_sleep") > middle, tool.report()
    assert all(frame.startswith("  ") for frame in frames)


def test_kernel_functions(start, workload, in_guest):
    tool = start(SCRIPT, "-K", "-v", "-p", str(workload.pid), "hrtimer_nanosleep")
    tool.ready()
    workload.do("sleep", 7, 1)
    assert tool.interrupt() == 0
    ((frames, count),) = entries(tool)
    assert count == 7
    address, name = frames[0].split()
    assert name == "hrtimer_nanosleep" and int(address, 16) > 1 << 63
    assert frames[0][18] == " "


def test_static_probes_folded(start, workload):
    tool = start(SCRIPT, "-U", "-f", "-D", "3", "-p", str(workload.pid), f"u:{workload.path}:added")
    while tool.process.poll() is None:
        workload.do("add", 3, "text")
    assert tool.finish() == 0
    (line,) = tool.lines
    frames, count = line.rsplit(" ", 1)
    assert frames.startswith("telling;") and frames.endswith(";telling_add"), tool.report()
    assert int(count) > 3


def test_processes_are_told_apart(start, workload):
    pattern = f"{workload.path}:telling_multiply"
    tool = start(SCRIPT, "-P", "-U", pattern)
    tool.ready()
    workload.do("multiply", PRIME, 3)
    assert tool.interrupt() == 0
    ((frames, count),) = entries(tool)
    assert frames[-1] == f"    telling [{workload.pid}]" and count == PRIME


def test_json_every_interval(start, workload):
    tool = start(SCRIPT, "--json", "-i", "1", "-p", str(workload.pid), "c:getppid")
    tool.knock(lambda: workload.do("parents", 1))
    workload.do("parents", PRIME)
    assert tool.interrupt() == 0
    assert {(r["comm"], r["pid"]) for r in tool.json()} == {("telling", workload.pid)}
    assert sum(r["count"] for r in tool.json()) > PRIME


def test_more_kinds_of_callers_than_the_table_has_room_for(start):
    """Of a table of 10240, in parts that each fit."""
    libc = ctypes.CDLL(None)
    with open("/proc/thread-self/comm", "rb") as comm:
        before = comm.read().removesuffix(b"\n")
    tool = start(SCRIPT, "--json", "-U", "-i", "1", "-p", str(os.getpid()), "c:getsid")
    tool.knock(lambda: libc.getsid(0))
    names = [f"caller{number}" for number in range(16001)]
    for at in range(0, len(names), 4000):
        for name in names[at : at + 4000]:
            libc.prctl(15, name.encode(), 0, 0, 0)
            libc.getsid(0)
        tool.wait_for(lambda line, last=name: f'"{last}"' in line)
    libc.prctl(15, before, 0, 0, 0)
    assert tool.interrupt() == 0
    found = [(r["comm"], r["count"]) for r in map(json.loads, tool.lines)]
    callers = {comm: 0 for comm, _ in found if comm.startswith("caller")}
    for comm, count in found:
        if comm in callers:
            callers[comm] += count
    assert callers == dict.fromkeys(names, 1)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["-K", "-U", "vfs_*"], "ERROR: -K and -U are mutually exclusive. If you want both "
         "stacks, that is the default."),
        (["x:c:getppid"], "Type must be 'p', 't', or 'u', but got x"),
        (["c:no_such_function"], "No functions matched by pattern ^no_such_function$"),
        (["t:no:such"], "No functions matched by pattern ^no:such$"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(start, args, error):
    tool = start(SCRIPT, *args)
    assert tool.finish() == 1
    assert (tool.lines, tool.errors) == ([], [error])
