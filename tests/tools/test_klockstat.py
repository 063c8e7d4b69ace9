"""klockstat counts the mutex of a pipe, locked a prime number of times by a writer."""

import os
import subprocess
import sys

import pytest

SCRIPT = "tools/klockstat.py"
PRIME = 997
WRITERS = ("pipe_write", "anon_pipe_write")


def write_to_a_pipe():
    there, back = os.pipe()
    for _ in range(PRIME):
        os.write(back, b"x")
    os.close(there)
    os.close(back)


def table(tool, word):
    """Rows (caller, average, count, max, total) of a table, by its header's columns."""
    header = f"{'Caller':>40} {'Avg ' + word:>10} {'Count':>6} {'Max ' + word.lower():>10} " + (
        f"{'Total ' + word.lower():>10}"
    )
    rows = []
    for line in tool.lines[tool.lines.index(header) + 1 :]:
        if not line:
            break
        rows.append((line[:40].strip(), *map(int, line[40:].split())))
    return rows


def writer(rows):
    found = [row for row in rows if row[0].split("+")[0] in WRITERS]
    assert len(found) == 1, rows
    return found[0]


@pytest.mark.parametrize("sort", ["max", "count", "total"])
def test_waits_and_holds_are_counted(start, in_guest, sort):
    tool = start(SCRIPT, "-p", str(os.getpid()), "-S", f"acq_{sort}")
    assert tool.ready() == "Tracing lock events... Hit Ctrl-C to end."
    assert tool.program_kinds() == {"fentry"}
    write_to_a_pipe()
    assert tool.interrupt() == 0, tool.report()
    for word in ("Spin", "Hold"):
        rows = table(tool, word)
        caller, average, count, longest, total = writer(rows)
        assert count == PRIME and average == total // count, tool.report()
        assert 0 < average <= longest <= total and "+0x" in caller
        by = {"count": 2, "max": 3, "total": 4}[sort]
        values = [row[by] for row in rows]
        assert values == sorted(values, reverse=True)


def test_rows_callers_and_json(start, in_guest):
    tool = start(SCRIPT, "-t", str(os.getpid()), "-c", "no_such", "-n", "1")
    tool.ready()
    records = start(SCRIPT, "--json", "-t", str(os.getpid()), "-i", "2")
    records.knock(write_to_a_pipe)
    assert tool.interrupt() == 0 and records.interrupt() == 0
    assert table(tool, "Spin") == table(tool, "Hold") == []
    found = [r for r in records.json() if (r["caller"] or "").split("+")[0] in WRITERS]
    assert {r["event"] for r in found} == {"wait", "hold"}, records.report()
    assert all(r["total_ns"] >= r["max_ns"] > 0 and r["count"] > 0 for r in found)


def test_reports_add_up_to_what_happened(start, in_guest):
    program = (
        "import os, select, sys\n"
        "there, back = os.pipe()\n"
        "sys.stdin.readline()\n"
        "count = 0\n"
        "while not select.select([0], [], [], 0)[0]:\n"
        "    count += os.write(back, b'x')\n"
        "    os.read(there, 1)\n"
        "os.write(1, b'%d' % (count + 1))\n"  # writes to a pipe, as well
    )
    command = [sys.executable, "-u", "-c", program]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    tool = start(SCRIPT, "-p", str(worker.pid), "-i", "1")
    tool.ready()
    worker.stdin.write("\n"), worker.stdin.flush()
    for _ in range(5):
        tool.wait_for(lambda line: "Avg Spin" in line, after=len(tool.lines))
    count = int(worker.communicate("\n")[0])
    assert tool.interrupt() == 0
    holds, held = [], False
    for line in tool.lines:
        held = "Hold" in line or held and "Spin" not in line
        if held and line.split("+")[0].strip() in WRITERS:
            holds.append(int(line[40:].split()[1]))
    assert len(holds) > 3 and sum(holds) == count, tool.report()


def test_mistakes_are_one_line(start):
    tool = start(SCRIPT, "-S", "age")
    assert tool.finish() == 1
    assert (tool.lines, tool.errors) == ([], ["Wrong sort argument: age"])
    tool = start(SCRIPT, "-d", "1", "-i", "1")
    assert tool.finish() == 2
    assert tool.errors[-1] == (
        "klockstat.py: error: argument -i/--interval: not allowed with argument -d/--duration"
    )


@pytest.mark.skipif("BCC_TEST_KERNEL" in os.environ, reason="about kernels without kprobes")
def test_a_kernel_without_probes_is_one_line(start):
    if os.path.exists("/sys/kernel/tracing/kprobe_events"):
        pytest.skip("this kernel has kprobes")
    tool = start(SCRIPT, "-d", "1")
    assert tool.finish() == 1
    assert len(tool.errors) == 1 and tool.errors[0].startswith("klockstat.py: "), tool.report()
