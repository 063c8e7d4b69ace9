"""runqlat counts the times a task waited to run, for the process asked for."""

import os
import subprocess
import sys

SCRIPT = "tools/runqlat.py"
PRIME = 53
# Two threads that hand a byte to and fro: each turn is a wake-up.
PING_PONG = f"""
import os, sys
there, back = os.pipe(), os.pipe()
sys.stdin.readline()
if os.fork():
    for _ in range({PRIME}):
        os.write(there[1], b'x'); os.read(back[0], 1)
    os.wait()
else:
    for _ in range({PRIME}):
        os.read(there[0], 1); os.write(back[1], b'x')
"""


def counts(lines):
    rows = [line for line in lines if "->" in line and "|" in line]
    return [int(row.split(":")[1].split("|")[0]) for row in rows]


def play(pid_option, start, *args):
    """Runs the tool on a process that is woken at least `PRIME` times."""
    child = subprocess.Popen([sys.executable, "-c", PING_PONG], stdin=subprocess.PIPE)
    tool = start(SCRIPT, pid_option, str(child.pid), *args)
    tool.ready()
    child.stdin.write(b"go\n")
    child.stdin.close()
    assert child.wait() == 0
    assert tool.interrupt() == 0, tool.report()
    return child.pid, tool


def test_each_wakeup_is_counted(start):
    _, tool = play("-p", start)
    assert tool.lines[0] == "Tracing run queue latency... Hit Ctrl-C to end."
    assert tool.lines[2].split(":")[0].strip() == "usecs", tool.report()
    # The parent alone is woken once a turn; it may also be preempted.
    assert PRIME // 2 <= sum(counts(tool.lines)) < 100 * PRIME, tool.report()


def test_a_process_has_its_own_histogram(start):
    pid, tool = play("-p", start, "-P", "-m", "-T")
    sections = [line for line in tool.lines if line.startswith("pid = ")]
    assert sections == [f"pid = {pid}"], tool.report()
    assert "msecs" in tool.lines[tool.lines.index(sections[0]) + 1]


def test_json_has_one_object_a_thread(start):
    child = subprocess.Popen([sys.executable, "-c", PING_PONG], stdin=subprocess.PIPE)
    tool = start(SCRIPT, "-L", "--json", "-p", str(os.getpid()), "1")
    # This process is woken by its own child's end.
    tool.knock(lambda: subprocess.run(["/bin/true"], check=True))
    child.communicate(b"go\n")
    assert tool.interrupt() == 0
    assert all(set(r) == {"ts", "val_type", "data", "tid"} for r in tool.json()), tool.report()
    assert {r["val_type"] for r in tool.json()} == {"usecs"}
