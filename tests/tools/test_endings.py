"""However a tool is ended, it ends in order: status, no traceback, what is due is printed."""

import os
import signal
import subprocess
import sys

import pytest
from conftest import TOP

ME = str(os.getpid())
# Of each style of output one, what it is told, and its status after Ctrl-C.
TOOLS = [
    ("gethostlatency", ["-p", ME], 0),
    ("exitsnoop", ["-p", ME], 0),
    ("runqlat", ["-p", ME, "9999"], 0),
    ("filetop", ["-C", "-p", ME, "9999"], 0),
    ("funccount", ["-p", ME, "c:getuid"], 0),
    ("profile", ["-p", ME], 0),
    ("memleak", ["-p", ME], 0),
    ("trace", ["-p", ME, "c:getuid"], 1),
]


@pytest.mark.parametrize(("name", "words", "status"), TOOLS, ids=[name for name, *_ in TOOLS])
def test_an_impatient_user_sees_no_traceback(start, name, words, status):
    tool = start(f"tools/{name}.py", *words)
    tool.ready()
    for _ in range(20):
        tool.process.send_signal(signal.SIGINT)
    assert tool.finish() == status, tool.report()
    assert tool.errors == [], tool.report()


def test_an_interval_of_ages_is_waited_for(start):
    tool = start("tools/runqlat.py", "-p", ME, str(1 << 62))
    tool.ready()
    assert tool.interrupt() == 0 and tool.errors == [], tool.report()


def test_a_command_is_not_run_when_nothing_can_be_traced(start, tmp_path):
    tool = start("tools/opensnoop.py", "-b", str(1 << 40), "--exec", "touch", f"{tmp_path}/made")
    # The command has the tool's stdout: it has ended, too.
    assert tool.finish() == 1 and tool.lines == []
    assert not os.path.exists(f"{tmp_path}/made")


def test_a_reader_that_goes_away_ends_the_tool():
    command = [sys.executable, str(TOP / "tools/opensnoop.py"), "-p", ME]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tool:
        assert tool.stdout and tool.stderr
        assert tool.stdout.readline().startswith(b"PID ")
        tool.stdout.close()
        while tool.poll() is None:
            open("/dev/null").close()
        assert (tool.returncode, tool.stderr.read()) == (0, b"")
