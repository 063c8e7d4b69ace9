"""trace prints a prime number of messages with telling values, from probes of every kind."""

import os

import pytest
from conftest import column

SCRIPT = "tools/trace.py"
PRIME = 13


def test_arguments_of_a_typed_function(start, in_order, workload):
    spec = (
        f"{workload.path}:telling_add(int number, const char *text, long big) (number == 1) "
        '"n=%d %s %ld %llx%%", number, text, big, arg3'
    )
    tool = start(SCRIPT, "-p", str(workload.pid), "-M", str(PRIME), spec)
    header = tool.ready()
    assert header == "PID     TID     COMM            FUNC             -"
    workload.do("add", PRIME * 2, "telling text")
    assert tool.finish() == 0, tool.report()
    assert len(tool.lines) == PRIME + 1 and tool.errors == []
    for number, row in enumerate(tool.lines[1:]):
        big = 2 * number + 1
        assert column(header, row, "PID") == column(header, row, "TID") == str(workload.pid)
        assert column(header, row, "COMM") == "telling"
        assert column(header, row, "FUNC") == "telling_add"
        assert row[header.index("-") :] == f"n=1 telling text {big} {big:x}%", tool.report()


def test_returns_static_probes_and_strings(start, workload):
    tool = start(
        SCRIPT, "-p", str(workload.pid), "-C", "-T",
        f'r:{workload.path}:telling_multiply "back %d", retval',
        f'u:{workload.path}:added (STRCMP("tell", arg2)) "%d %s", arg1, arg2',
        f'u:{workload.path}:telling:added (STRCMP("other", arg2)) "never"',
    )  # fmt: skip
    header = tool.ready()
    assert header == "TIME     CPU PID     TID     COMM            FUNC             -"
    workload.do("add", 2, "telling")
    workload.do("multiply", 1, 31)
    # Each probe has its own buffer: their rows come in any order.
    for end in (" 0 telling", " 1 telling", " back -31"):
        tool.wait_for(lambda line, end=end: line.endswith(end))
    assert tool.interrupt() == 1
    messages = sorted(line[header.index("-") :] for line in tool.lines[1:] if line)
    assert messages == ["0 telling", "1 telling", "back -31"], tool.report()
    assert tool.lines[-1] == "" and tool.lines[1][2] == ":"


def test_tracepoints_and_the_limit(start, workload):
    tool = start(
        SCRIPT, "-L", str(workload.pid), "-M", "3", "-t",
        't:syscalls:sys_enter_write (args->count == 5) "%d %s %lu", args->fd, args->buf, '
        "args->count",
    )  # fmt: skip
    tool.ready()
    workload.do("parents", 1)
    workload.do("parents", 1)
    workload.do("parents", 1)
    assert tool.finish() == 0
    rows = [line for line in tool.lines[1:] if "1 done" in line]
    assert len(rows) == 3 and float(rows[0].split()[0]) > 0, tool.report()
    assert rows[0].split()[4] == "sys_enter_write"


def test_equal_messages_and_stacks(start, workload):
    tool = start(
        SCRIPT, "-p", str(workload.pid), "-U", "-A", "-M", str(PRIME),
        f'{workload.path}:telling_multiply "%d %U", arg1, arg1',
    )  # fmt: skip
    header = tool.ready()
    workload.do("multiply", PRIME, 17)
    assert tool.finish() == 0, tool.report()
    assert tool.lines[1][header.index("-") :] == "17 [unknown]"
    assert tool.lines[2].startswith(" " * 8 + "telling_multiply+0x0 [telling]")
    assert f"-->COUNT {PRIME}" in tool.lines


def test_a_kernel_symbol_is_named_with_its_offset(start, workload):
    with open("/proc/kallsyms") as symbols:
        address = next(line.split()[0] for line in symbols if line.endswith(" T schedule\n"))
    spec = f'{workload.path}:telling_multiply "%K", 0x{address}ul + 1'
    tool = start(SCRIPT, "-p", str(workload.pid), "-M", "1", spec)
    header = tool.ready()
    workload.do("multiply", 1, 17)
    assert tool.finish() == 0
    assert tool.lines[1][header.index("-") :] == "schedule+0x1"


def test_kernel_functions(start, workload, in_guest):
    tool = start(
        SCRIPT, "-p", str(workload.pid), "-K", "-M", "2",
        "hrtimer_nanosleep", 'r::hrtimer_nanosleep "= %d", retval',
    )  # fmt: skip
    tool.ready()
    workload.do("sleep", 1, 1)
    assert tool.finish() == 0, tool.report()
    assert any(line.endswith(" = 0") for line in tool.lines), tool.report()
    assert any(line.startswith(" " * 8) and line.endswith(" [kernel]") for line in tool.lines)


def test_system_call_arguments_in_the_kernel(start, workload, in_guest):
    tool = start(
        SCRIPT, "-p", str(workload.pid), "-M", "1",
        'p::__x64_sys_write(unsigned int fd, const char *text) (fd == 1) "%d %s", arg3, arg2@user',
    )  # fmt: skip
    header = tool.ready()
    workload.do("parents", 1)
    assert tool.finish() == 0, tool.report()
    # The newline that was written is shown, and does not end the row.
    assert tool.lines[1][header.index("-") :] == "5 done\\n", tool.report()


def test_json_is_one_typed_object_a_line(start, workload):
    tool = start(SCRIPT, "--json", "-p", str(workload.pid),
                 f'{workload.path}:telling_multiply "%d", arg1')  # fmt: skip
    tool.knock(lambda: workload.do("multiply", 1, 19))
    assert tool.interrupt() == 1
    record = tool.json()[0]
    assert (record["pid"], record["func"], record["message"], record["values"]) == (
        workload.pid, "telling_multiply", "19", [19],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("x:y:z", "probe type must be '', 'p', 't', 'r', or 'u', but got 'x'"),
        ("p:c:read+z", "invalid offset format  'z', must be decimal or hexadecimal"),
        ("c:read (arg1", "unmatched end of predicate"),
        ("c:read nothing", 'expected format string in "nothing'),
        ("nosuchlib:read", "unable to find library nosuchlib"),
        ("t:sched:sched_switch(int a)", "USDT and tracepoint probes can't have a function "
         "signature; use arg1, arg2, ... instead"),
        ("u:c:no_such_probe", "unrecognized USDT probe no_such_probe"),
    ],
)  # fmt: skip
def test_mistakes_in_a_probe_are_one_line(start, spec, error):
    tool = start(SCRIPT, spec)
    assert tool.finish() == 1
    assert (tool.lines, tool.errors) == ([], [f"error in probe '{spec}': {error}"])


def test_what_the_compiler_says_is_said_once(start):
    tool = start(SCRIPT, "c:read (no_such_name)")
    assert tool.finish() == 1 and tool.lines == []
    assert sum("no_such_name" in line and "error:" in line for line in tool.errors) == 1
    assert tool.errors[-1] == "trace.py: Failed to compile BPF module <text>", tool.report()


def test_other_mistakes(start):
    tool = start(SCRIPT, "c:no_such_function")
    assert tool.finish() == 1 and len(tool.errors) == 1, tool.report()
    tool = start(SCRIPT, "-p", "1", "-L", str(os.getpid()), "c:read")
    assert tool.finish() == 2
    assert tool.errors[-1] == "trace.py: error: only one of -p and -L may be specified"
    tool = start(SCRIPT, "-A", "c:read")
    assert tool.finish() == 1
    assert tool.errors == ["-M/--max-events should be specified with -A/--aggregate"]
