"""argdist sums up a prime number of calls by their arguments and results."""

import re

import pytest

SCRIPT = "tools/argdist.py"
PRIME = 41


def tables(tool, label):
    """{event: count} over all reports of the table of that label."""
    found = {}
    inside = False
    for line in tool.lines:
        if not line.startswith("\t"):
            inside = line == label
        elif inside and not line.startswith("\tCOUNT"):
            count, event = line[1:11], line[12:]
            found[event] = found.get(event, 0) + int(count)
    return found


def count_of(tool, label, event):
    return tables(tool, label).get(event, 0)


def wait_until(tool, wanted):
    """Waits until the reports so far say enough."""
    tool.wait_for(lambda _: wanted())


def started(tool, workload):
    """There is no start line: the first report says that the probes are attached."""
    tool.wait_for(lambda line: line.startswith("["))


def test_arguments_are_counted(start, workload):
    spec = (f"p:{workload.path}:telling_add(int number, const char *text)"
            ":int,char*:number,text:number==1#added")  # fmt: skip
    calls = f"p:{workload.path}:telling_add()"
    tool = start(SCRIPT, "-p", str(workload.pid), "-C", spec, "-C", calls)
    started(tool, workload)
    workload.do("add", 2 * PRIME, "telling")
    event = "number = 1, text = telling"
    wait_until(tool, lambda: count_of(tool, "added", event) >= PRIME
               and count_of(tool, calls, "total calls") >= 2 * PRIME)  # fmt: skip
    assert tool.interrupt() == 0, tool.report()
    assert tables(tool, "added") == {event: PRIME}
    assert tables(tool, calls) == {"total calls": 2 * PRIME}
    assert "\tCOUNT      EVENT" in tool.lines and tool.errors == []


def test_returns_with_entry_values_and_time(start, workload):
    spec = (f"r:{workload.path}:telling_multiply(int number)"
            ":int,int,u32:$retval,$entry(number),$PID:$latency > 0")  # fmt: skip
    tool = start(SCRIPT, "-p", str(workload.pid), "-C", spec)
    started(tool, workload)
    workload.do("multiply", PRIME, 29)
    event = f"$retval = -29, number = 29, $PID = {workload.pid}"
    wait_until(tool, lambda: count_of(tool, spec, event) >= PRIME)
    assert tool.interrupt() == 0
    assert tables(tool, spec) == {event: PRIME}


def test_histogram_of_a_return(start, workload):
    tool = start(SCRIPT, "-p", str(workload.pid), "-c", "-H",
                 f"r:{workload.path}:telling_depth()#depths")  # fmt: skip
    started(tool, workload)
    workload.do("depth", PRIME, 3)
    row = f"         2 -> 3          : {2 * PRIME:<8} |"
    tool.wait_for(lambda line: line.startswith(row))
    assert tool.interrupt() == 0
    assert any(line.startswith("     depths ") for line in tool.lines), tool.report()
    assert any(line.startswith(f"         0 -> 1          : {PRIME:<8} |") for line in tool.lines)


def test_tracepoints_and_static_probes(start, workload):
    fields = "t:syscalls:sys_enter_write():u64,char*:args->count,args->buf#written"
    static = f'u:{workload.path}:added():int,char*:arg1,arg2:STRCMP("tel", arg2)#static'
    tool = start(SCRIPT, "-p", str(workload.pid), "-C", fields, "-C", static)
    started(tool, workload)
    workload.do("add", PRIME, "telling")
    wait_until(tool, lambda: sum(tables(tool, "static").values()) >= PRIME
               and tables(tool, "written"))  # fmt: skip
    assert tool.interrupt() == 0
    assert tables(tool, "static") == {
        "arg1 = 0, arg2 = telling": PRIME // 2 + 1, "arg1 = 1, arg2 = telling": PRIME // 2,
    }, tool.report()  # fmt: skip
    (event,) = tables(tool, "written")
    assert event.startswith("args->count = 5, args->buf = done")


def test_kernel_functions(start, workload, in_guest):
    spec = "p::__x64_sys_getppid()#parents"
    back = "r::__x64_sys_getppid():u64,char*:$retval != 0,$COMM#back"
    tool = start(SCRIPT, "-p", str(workload.pid), "-C", spec, "-C", back)
    started(tool, workload)
    workload.do("parents", PRIME)
    wait_until(tool, lambda: all(
        sum(tables(tool, label).values()) >= PRIME for label in ("back", "parents")
    ))  # fmt: skip
    assert tool.interrupt() == 0
    assert tables(tool, "parents") == {"total calls": PRIME}, tool.report()
    assert tables(tool, "back") == {"$retval != 0 = 1, $COMM = telling": PRIME}


def test_json_and_the_number_of_reports(start, workload):
    spec = f"p:{workload.path}:telling_multiply(int number):int:number"
    tool = start(SCRIPT, "--json", "-n", "3", "-p", str(workload.pid), "-C", spec)
    while tool.process.poll() is None:
        workload.do("multiply", 3, 31)
    assert tool.finish() == 0
    assert {(r["label"], r["values"]["number"]) for r in tool.json()} == {(spec, 31)}
    assert 1 <= len(tool.json()) <= 3 and all(r["count"] > 0 for r in tool.json())


def test_one_expression_as_two_types_and_what_is_open(start, workload):
    spec = f"p:{workload.path}:telling_multiply(int number):int,bool:number,number"
    tool = start(SCRIPT, "-v", "-i", "9999", "-p", str(workload.pid), "-C", spec + "#twice")
    opened = tool.wait_for(lambda line: line.startswith("open uprobes: "))
    assert opened.startswith("open uprobes: [b'p_") and "telling_" in opened, tool.report()
    tool.wait_for(lambda line: line == "open kprobes: []")
    tool = start(SCRIPT, "-i", "1", "-p", str(workload.pid), "-C", spec + "#twice")
    tool.ready()
    workload.do("multiply", PRIME, 31)
    tool.wait_for(lambda line: re.fullmatch(r"\t(\d+) +number = 31, number = True", line))


@pytest.mark.parametrize(
    ("switch", "spec", "error"),
    [
        ("-C", "p:c", "at least the probe type, library, and function signature must be "
         "specified"),
        ("-C", "p:c:f():int:a:b:c", "extraneous ':'-separated parts detected"),
        ("-C", "x:c:f()", "probe type must be 'p', 'r', 't', or 'u' but got 'x'"),
        ("-C", "p:c:f", "function signature 'f' has an invalid format"),
        ("-C", "p:c:f()::a", "no expr types specified"),
        ("-C", "p:c:f():int:", "no exprs specified"),
        ("-C", "p:c:f():int,int:a", "mismatched # of exprs and types"),
        ("-H", "p:c:f():int,int:a,b", "histograms can only have 1 expr"),
        ("-H", "p:c:f()", "histograms must have expr"),
        ("-C", "p:nosuchlib:f()", "unable to find library nosuchlib"),
    ],
)  # fmt: skip
def test_mistakes_in_a_specifier_are_one_line(start, switch, spec, error):
    tool = start(SCRIPT, switch, spec)
    assert tool.finish() == 1
    assert (tool.lines, tool.errors) == ([], [f"error parsing probe '{spec}': {error}"])


def test_a_specifier_is_needed(start):
    tool = start(SCRIPT)
    assert tool.finish() == 1
    assert (tool.lines, tool.errors) == ([], ["at least one specifier is required"])
