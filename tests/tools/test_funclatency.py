"""funclatency times functions that sleep for a known time, a prime number of calls each."""

SCRIPT = "tools/funclatency.py"
PRIME = 11


def rows(lines):
    """(low, high, count) of a histogram's rows."""
    found = []
    for line in lines:
        if "->" in line and "|" in line:
            words = line.split()
            found.append((int(words[0]), int(words[2]), int(words[4])))
    return found


def test_sleeps_are_in_their_bucket(start, workload):
    pattern = f"{workload.path}:telling_sleep"
    tool = start(SCRIPT, "-m", "-p", str(workload.pid), pattern)
    assert tool.ready() == f'Tracing 1 functions for "{pattern}"... Hit Ctrl-C to end.'
    workload.do("sleep", PRIME, 70)
    assert tool.interrupt() == 0, tool.report()
    assert tool.lines[1] == "" and tool.lines[2].split(":")[0].strip() == "msecs"
    assert sum(count for _, _, count in rows(tool.lines)) == PRIME, tool.report()
    assert all(high >= 70 for _, high, count in rows(tool.lines) if count), tool.report()
    (line,) = [line for line in tool.lines if line.startswith("avg = ")]
    words = line.replace(",", "").split()
    average, total, count = int(words[2]), int(words[5]), int(words[8])
    assert count == PRIME and average == total // count >= 70
    assert tool.lines[-1] == "Detaching..." and tool.errors == []


def test_each_function_has_its_own_histogram(start, workload):
    tool = start(SCRIPT, "-F", "-T", "-p", str(workload.pid), f"{workload.path}:telling_[am]*")
    tool.ready()
    workload.do("add", PRIME, "text")
    workload.do("multiply", 3, 5)
    assert tool.interrupt() == 0
    sections = [line for line in tool.lines if line.startswith("Function = ")]
    names = [f"Function = telling_{name} [{workload.pid}]" for name in ("add", "multiply")]
    assert sorted(sections) == names, tool.report()
    at = tool.lines.index(names[0])
    end = next(i for i in range(at + 2, len(tool.lines)) if "|" not in tool.lines[i])
    assert sum(count for _, _, count in rows(tool.lines[at:end])) == PRIME
    assert tool.lines[at + 1].split(":")[0].strip() == "nsecs" and tool.lines[2][2] == ":"


def test_recursion_to_a_level(start, workload):
    pattern = f"{workload.path}:telling_depth"
    inner = start(SCRIPT, "-p", str(workload.pid), pattern)
    some = start(SCRIPT, "-l", "4", "-p", str(workload.pid), pattern)
    for tool in (inner, some):
        tool.ready()
    workload.do("depth", PRIME, 6)
    for tool, timed in ((inner, 1), (some, 4)):
        assert tool.interrupt() == 0
        count = sum(count for _, _, count in rows(tool.lines))
        assert count == PRIME * timed, tool.report()


def test_kernel_functions(start, workload, in_guest):
    tool = start(SCRIPT, "-u", "-F", "-p", str(workload.pid), "hrtimer_nanosleep")
    tool.ready()
    workload.do("sleep", PRIME, 20)
    assert tool.interrupt() == 0
    assert "Function = hrtimer_nanosleep" in tool.lines, tool.report()
    assert sum(count for low, high, count in rows(tool.lines) if high >= 20000) == PRIME


def test_json_every_interval(start, workload):
    tool = start(SCRIPT, "--json", "-i", "1", "-p", str(workload.pid), "c:getppid")
    tool.knock(lambda: workload.do("parents", PRIME))
    assert tool.interrupt() == 0
    records = tool.json()
    assert all(r["avg"] == r["total"] // r["count"] > 0 for r in records)
    assert all(row["count"] for r in records for row in r["data"][-1:])
    assert {r["val_type"] for r in records} == {"nsecs"}


def test_mistakes_are_one_line(start):
    for pattern, error in (
        ("p:c:getppid", "Error: unrecognized pattern format 'p:c:getppid'"),
        ("nosuchlib:getppid", "Error: can't resolve library nosuchlib"),
        ("c:no_such_function", '0 functions matched by "c:no_such_function". Exiting.'),
    ):
        tool = start(SCRIPT, pattern)
        assert tool.finish() == 1
        assert (tool.lines, tool.errors) == ([], [error])
