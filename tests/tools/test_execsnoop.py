"""execsnoop sees 13 programs with telling arguments, and only those asked for."""

import os
import subprocess

from conftest import column

SCRIPT = "tools/execsnoop.py"
PRIME = 13


def run_marked(word, count=PRIME):
    """`count` programs, each with its own number, then one that marks the end."""
    for number in range(count):
        subprocess.run(["/bin/true", word, f"number-{number}"], check=True)
    subprocess.run(["/bin/true", "the-end"], check=True)


def ended(line):
    return "the-end" in line


def test_each_program_is_one_row_with_its_arguments(start, in_order):
    tool = start(SCRIPT, "-P", str(os.getpid()))
    header = tool.ready()
    run_marked("telling-name")
    tool.wait_for(ended)
    assert tool.interrupt() == 0, tool.report()
    rows = [line for line in tool.lines[1:] if "telling-name" in line]
    assert len(rows) == PRIME, tool.report()
    for number, row in enumerate(rows):
        assert column(header, row, "COMM") == "true"
        assert column(header, row, "PPID") == str(os.getpid())
        assert row[header.index("RET") :].split(None, 1)[0] == "0"
        assert row[header.index("ARGS") :] == f"/bin/true telling-name number-{number}"
    assert header == "COMM             PID     PPID    RET ARGS"
    assert tool.errors == []


def test_failed_programs_only_with_x(start):
    quiet, loud = start(SCRIPT, "-P", str(os.getpid())), start(SCRIPT, "-x", "-P", str(os.getpid()))
    quiet.ready(), loud.ready()
    for number in range(3):
        try:
            subprocess.run([f"/nonexistent/telling-{number}"])
        except FileNotFoundError:
            pass
    run_marked("x", 1)
    for tool in (quiet, loud):
        tool.wait_for(ended)
        assert tool.interrupt() == 0
    assert not any("/nonexistent/" in line for line in quiet.lines), quiet.report()
    failed = [line for line in loud.lines if "/nonexistent/telling-" in line]
    assert len(failed) == 3, loud.report()
    at = loud.lines[0].index("RET")
    assert all(line[at : at + 3] == " -2" for line in failed), loud.report()


def test_columns_of_time_uid_cpu_and_parent(start):
    tool = start(SCRIPT, "-T", "-t", "-U", "-C", "-M", "-P", str(os.getpid()))
    header = tool.ready()
    run_marked("columns", 2)
    tool.wait_for(ended)
    assert tool.interrupt() == 0
    rows = [line for line in tool.lines[1:] if "columns" in line]
    assert len(rows) == 2, tool.report()
    comm = open("/proc/self/comm").read().strip()
    for row in rows:
        assert column(header, row, "UID") == str(os.getuid())
        assert column(header, row, "PCOMM") == comm.split(" ")[0]
        assert column(header, row, "CPU").isdigit()
        assert row[2] == ":" and row[5] == ":"
        assert float(column(header, row, "TIME(s)")) >= 0
    assert header == (
        "TIME     TIME(s) UID   COMM             PID     PCOMM            PPID    CPU  RET ARGS"
    )


def test_long_lists_of_arguments_are_cut(start):
    me = str(os.getpid())
    tools = {limit: start(SCRIPT, "--max-args", str(limit), "-P", me) for limit in (3, 20, 70)}
    for tool in tools.values():
        tool.ready()
    words = [f"w{i}" for i in range(80)]
    subprocess.run(["/bin/true", *words], check=True)
    run_marked("x", 1)
    for limit, tool in tools.items():
        tool.wait_for(ended)
        assert tool.interrupt() == 0
        at = tool.lines[0].index("ARGS")
        shown = next(line for line in tool.lines[1:] if "w0" in line)[at:].split()
        assert shown == ["/bin/true", *words[: limit - 1], "..."], tool.report()


def test_patterns_and_quotes(start):
    me = str(os.getpid())
    by_line = start(SCRIPT, "-q", "-l", "number-[24]|the-end", "-P", me)
    by_name = start(SCRIPT, "-n", "^no-such-name$", "-P", me)
    by_line.ready(), by_name.ready()
    subprocess.run(["/bin/true", 'say "hi"', "number-4"], check=True)
    run_marked("x", 5)
    by_line.wait_for(ended)
    assert by_line.interrupt() == 0 and by_name.interrupt() == 0
    at = by_line.lines[0].index("ARGS")
    assert [line[at:] for line in by_line.lines[1:]] == [
        '"/bin/true" "say \\"hi\\"" "number-4"',
        '"/bin/true" "x" "number-2"',
        '"/bin/true" "x" "number-4"',
        '"/bin/true" "the-end"',
    ], by_line.report()
    assert len(by_name.lines) == 1, by_name.report()


def test_json_is_one_typed_object_a_line(start):
    tool = start(SCRIPT, "--json", "-x", "-P", str(os.getpid()))
    tool.knock(lambda: subprocess.run(["/bin/true", "knock"], check=True))
    run_marked("json-word", 5)
    tool.wait_for(ended)
    assert tool.interrupt() == 0
    records = [r for r in tool.json() if "json-word" in r["args"]]
    assert len(records) == 5, tool.report()
    assert [r["args"] for r in records] == [
        ["/bin/true", "json-word", f"number-{i}"] for i in range(5)
    ]
    assert {r["ppid"] for r in records} == {os.getpid()}
    assert {r["ret"] for r in records} == {0}
    assert {r["comm"] for r in records} == {"true"}


def test_unknown_user_is_one_line_and_status_2(start):
    tool = start(SCRIPT, "-u", "no-such-user")
    assert tool.finish() == 2
    assert "argument -u/--uid: 'no-such-user' is not valid UID or user entry" in tool.errors[-1]
