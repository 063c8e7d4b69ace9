"""syscount counts 101 calls of one kind, made by the process asked for."""

import ctypes
import os
import subprocess
import sys

from conftest import column

SCRIPT = "tools/syscount.py"
PRIME = 101
libc = ctypes.CDLL(None)


def call():
    """System calls that nothing else in this process makes."""
    for _ in range(PRIME):
        libc.getpgid(0)
        libc.umount(b"/nonexistent/telling")


def rows(tool, title="SYSCALL"):
    at = next(i for i, line in enumerate(tool.lines) if line.startswith(title))
    return {line[:22].strip(): line[23:].split() for line in tool.lines[at + 1 :] if " " in line}


def test_each_call_is_counted(start):
    tool = start(SCRIPT, "-p", str(os.getpid()), "-T", "50")
    assert tool.ready() == "Tracing syscalls, printing top 50... Ctrl+C to quit."
    call()
    assert tool.interrupt() == 0, tool.report()
    assert rows(tool)["getpgid"] == [str(PRIME)], tool.report()
    assert rows(tool)["umount2"] == [str(PRIME)]
    counts = [int(values[0]) for values in rows(tool).values()]
    assert counts == sorted(counts, reverse=True)
    assert tool.lines[-1] == "Detaching..."


def test_failures_by_errno_with_latency(start):
    tool = start(SCRIPT, "-L", "-e", "ENOENT", "-t", str(os.getpid()))
    assert tool.ready() == "Tracing failed syscalls, printing top 10... Ctrl+C to quit."
    call()
    assert tool.interrupt() == 0
    header = next(line for line in tool.lines if line.startswith("SYSCALL"))
    assert header == "SYSCALL                   COUNT        TIME (us)"
    count, time = rows(tool)["umount2"]
    assert count == str(PRIME) and float(time) > 0, tool.report()
    assert "getpgid" not in rows(tool)


def test_one_syscall_by_process(start):
    tool = start(SCRIPT, "-P", "--syscall", "getpgid", "-c", str(os.getppid()))
    assert tool.ready() == "Tracing syscall 'getpgid'... Ctrl+C to quit."
    call()
    assert tool.interrupt() == 0
    header = next(line for line in tool.lines if line.startswith("PID"))
    (mine,) = [line for line in tool.lines if line.startswith(f"{os.getpid()} ")]
    assert mine[23:].split() == [str(PRIME)], tool.report()
    assert column(header, mine, "COMM") == open("/proc/self/comm").read().split()[0]


def test_latency_of_more_threads_than_the_table_has_room_for(start):
    threads = 10240 + PRIME
    program = (
        "import os, sys, threading\n"
        "sys.stdin.readline()\n"
        f"for _ in range({threads}):\n"
        "    thread = threading.Thread(target=os.getppid)\n"
        "    thread.start(), thread.join()\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    tool = start(SCRIPT, "-L", "-p", str(worker.pid), "--syscall", "getppid")
    tool.ready()
    worker.communicate(b"\n")
    assert tool.interrupt() == 0
    assert [int(row.split()[1]) for row in tool.lines if row.startswith("getppid")] == [threads]


def test_json_of_a_command(start):
    tool = start(SCRIPT, "--json", "-i", "1", "-T", "99", "--exec", "/bin/ls", "/nonexistent/telling")
    assert tool.finish() == 0, tool.report()
    by_name = {r["syscall"]: r["count"] for r in tool.json()}
    assert by_name["execve"] == 1 and sum(by_name.values()) > 20, tool.report()


def test_mistakes_are_one_line(start):
    for args, status, text in (
        (["--syscall", "no_such"], 1, "Error: syscall 'no_such' not found. Exiting."),
        (["-p", "1", "--exec", "true"], 1, "ERROR: can only use -p or --exec. Exiting."),
        (["-e", "EFOO"], 2, "argument -e/--errno: couldn't map EFOO to an errno"),
    ):
        tool = start(SCRIPT, *args)
        assert tool.finish() == status
        assert tool.lines == [] and tool.errors[-1].endswith(text), tool.report()


def test_the_list_has_every_syscall(start):
    tool = start(SCRIPT, "-l")
    assert tool.finish() == 0
    names = " ".join(tool.lines).split()
    assert names == sorted(names) and {"execve", "openat", "read"} <= set(names)
