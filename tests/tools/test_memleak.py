"""memleak finds a prime number of blocks that were never freed, and where they came from."""

import pytest

SCRIPT = "tools/memleak.py"
PRIME, SIZE = 43, 1009


def leaks(tool):
    """(bytes, allocations, frames) of all stacks of all reports."""
    found = []
    for line in tool.lines:
        words = line.split()
        if line.startswith("\t") and " allocations from stack" in line:
            found.append((int(words[0]), int(words[3]), []))
        elif line.startswith("\t\t") and found:
            found[-1][2].append(line[2:])
    return found


def wanted(line):
    return line == f"\t{PRIME * SIZE} bytes in {PRIME} allocations from stack"


@pytest.mark.parametrize("combined", [[], ["--combined-only"]], ids=["addresses", "totals"])
def test_a_leak_is_shown_with_its_stack(start, workload, combined):
    tool = start(SCRIPT, "-p", str(workload.pid), "-o", "0", *combined, "1")
    assert tool.ready() == f"Attaching to pid {workload.pid}, Ctrl+C to quit."
    workload.do("reuse", 100, 77)
    workload.do("leak", PRIME, SIZE)
    tool.wait_for(wanted)
    tool.wait_for(lambda line: "outstanding allocations:" in line, after=len(tool.lines))
    assert tool.interrupt() == 0, tool.report()
    reports = [leak for leak in leaks(tool) if leak[:2] == (PRIME * SIZE, PRIME)]
    assert any("telling_leak+0x" in frame for frame in reports[0][2]), tool.report()
    first = reports[0][2][0]
    assert first.startswith("0x") == (not combined) and ("\t" in first) == (not combined)
    # What was freed is in no report.
    assert all(size == PRIME * SIZE for size, _, _ in leaks(tool)), tool.report()
    assert tool.errors == []


def test_sizes_ages_and_addresses(start, workload):
    tool = start(SCRIPT, "-a", "-p", str(workload.pid), "-z", "500", "-Z", "600", "-o", "100", "1")
    tool.ready()
    workload.do("leak", 5, 499)
    workload.do("leak", 3, 600)
    workload.do("leak", 2, 500)
    tool.wait_for(lambda line: " allocations from stack" in line)
    assert tool.interrupt() == 0
    rows = [line for line in tool.lines if line.startswith("\taddr = ")]
    assert [row.split()[-1] for row in rows][:5] == ["500"] * 2 + ["600"] * 3, tool.report()
    assert all(int(row.split()[2], 16) for row in rows)


def test_each_call_as_it_happens(start, workload):
    tool = start(SCRIPT, "-t", "-p", str(workload.pid), "-z", "2000", "-Z", "3000")
    tool.ready()
    workload.do("leak", 1, 2003)
    tool.wait_for(lambda line: "alloc exited, size = 2003, result = " in line)
    assert tool.interrupt() == 0
    assert "'alloc entered, size = 2003')" in tool.lines[1], tool.report()
    # The kernel does not know every task's name in its trace.
    assert tool.lines[1].startswith((f"('telling', {workload.pid}, ", f"('<...>', {workload.pid}, "))


def test_a_command_and_a_count(start, workload_program):
    tool = start(SCRIPT, "-c", str(workload_program), "1", "1")
    assert tool.finish() == 0, tool.report()
    assert tool.lines[0] == f"Executing '{workload_program}' and tracing the resulting process."
    assert tool.lines[1].startswith("Attaching to pid ")
    assert tool.lines[2].endswith("] Top 10 stacks with outstanding allocations:")


def test_all_lines_are_objects_with_json(start, workload_program):
    reports = start(SCRIPT, "--json", "-o", "0", "-c", str(workload_program), "1", "1")
    assert reports.finish() == 0 and all("bytes" in record for record in reports.json())
    calls = start(SCRIPT, "--json", "-t", "-c", "/bin/ls /nonexistent")
    calls.wait_for(lambda line: "free entered" in line)
    assert calls.interrupt() == 0
    for record in calls.json():
        assert list(record) == ["comm", "pid", "cpu", "flags", "time", "message"]
        assert record["pid"] > 0 and record["time"] > 0, calls.report()


def test_no_command_is_one_line(start):
    tool = start(SCRIPT, "-c", "")
    assert tool.finish() == 1 and len(tool.errors) == 1, tool.report()


def test_json_is_one_typed_object_a_line(start, workload):
    tool = start(SCRIPT, "--json", "-o", "0", "-p", str(workload.pid), "1")
    tool.knock(lambda: workload.do("leak", PRIME, SIZE))
    assert tool.interrupt() == 0
    record = tool.json()[0]
    assert record["bytes"] == record["allocations"] * SIZE > 0
    assert record["allocations"] % PRIME == 0
    assert any("telling_leak+0x" in frame for frame in record["stack"])


def test_the_kernels_own_allocations(start, in_guest):
    tool = start(SCRIPT, "-o", "0", "-T", "5", "1")
    assert tool.ready() == "Attaching to kernel allocators, Ctrl+C to quit."
    tool.wait_for(lambda line: " allocations from stack" in line)
    assert tool.interrupt() == 0
    assert any("[kernel]" in frame for _, _, frames in leaks(tool) for frame in frames)


def test_mistakes_are_plain(start):
    for args, lines in (
        (["--sort", "age"], ["Given sort_key: age; Supporting sort key list: ['size', 'count']"]),
        (["-z", "2", "-Z", "1"], ["min_size (-z) can't be greater than max_size (-Z)"]),
    ):
        tool = start(SCRIPT, *args)
        assert tool.finish() == 1
        assert (tool.lines, tool.errors) == ([], lines)
    tool = start(SCRIPT, "-p", "1", "-O", "nosuchlib")
    assert tool.finish() == 1 and len(tool.errors) == 1, tool.report()
