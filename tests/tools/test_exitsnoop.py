"""exitsnoop tells how each process ended."""

import os
import signal
import subprocess

from conftest import column

SCRIPT = "tools/exitsnoop.py"


def held(script):
    """A shell that waits for a line, and then runs the script."""
    return subprocess.Popen(["/bin/sh", "-c", f"read line; {script}"], stdin=subprocess.PIPE)


def release(child):
    child.stdin.write(b"go\n")
    child.stdin.close()
    return child.wait()


def test_one_process_with_its_code_and_then_the_end(start):
    child = held("exit 7")
    tool = start(SCRIPT, "-p", str(child.pid))
    header = tool.ready()
    assert header == "PCOMM            PID     PPID    TID     AGE(s)  EXIT_CODE "
    assert release(child) == 7
    assert tool.finish() == 0, tool.report()
    (row,) = tool.lines[1:]
    assert column(header, row, "PCOMM") == "sh"
    assert column(header, row, "PID") == column(header, row, "TID") == str(child.pid)
    assert column(header, row, "PPID") == str(os.getpid())
    assert float(column(header, row, "AGE(s)")) >= 0
    assert row[header.index("EXIT_CODE") :] == "code 7"


def test_a_signal_is_named(start):
    child = held("exit 0")
    tool = start(SCRIPT, "-t", "--label=", "-p", str(child.pid))
    header = tool.ready()
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert tool.finish() == 0
    row = tool.lines[1]
    assert row[header.index("EXIT_CODE") :] == "signal 9 (KILL)"
    assert column(header, row, "LABEL") == "exit"
    assert row[2] == row[5] == ":" and row[8] == "."


def test_json_is_one_typed_object_a_line(start, in_guest):
    tool = start(SCRIPT, "-x", "--json")
    tool.knock(lambda: subprocess.run(["/bin/false"]))
    child = subprocess.Popen(["/bin/sh", "-c", "kill -KILL $$"])
    child.wait()
    tool.wait_for(lambda line: f'"pid": {child.pid},' in line)
    assert tool.interrupt() == 0
    (record,) = [r for r in tool.json() if r["pid"] == child.pid]
    assert (record["signal"], record["code"], record["core"]) == (9, 0, False)
    assert (record["comm"], record["ppid"]) == ("sh", os.getpid())


def test_thirteen_processes_each_with_its_own_code(start, in_guest):
    tool = start(SCRIPT, "-x", "--utc")
    header = tool.ready()
    assert header.startswith("TIME-UTC ")
    pids = {}
    for code in range(13):
        child = subprocess.Popen(["/bin/sh", "-c", f"exit {code}"])
        child.wait()
        pids[child.pid] = code
    marker = subprocess.Popen(["/bin/sh", "-c", "kill -TERM $$"])
    marker.wait()
    tool.wait_for(lambda line: "signal 15 (TERM)" in line)
    assert tool.interrupt() == 0
    seen = {}
    for line in tool.lines[1:]:
        if line and int(column(header, line, "PID")) in pids:
            seen[int(column(header, line, "PID"))] = line[header.index("EXIT_CODE") :]
    assert seen == {pid: f"code {code}" for pid, code in pids.items() if code}, tool.report()


def test_help_shows_examples(start):
    tool = start(SCRIPT, "--help")
    assert tool.finish() == 0
    assert any("exitsnoop -p 181" in line for line in tool.lines)
