"""bashreadline shows what is typed into a bash on a terminal of the test's own."""

import os
import pty
import shutil
import subprocess

import pytest
from conftest import column

SCRIPT = "tools/bashreadline.py"
WORDS = ["echo telling-one", "true # telling two", "echo $((7 * 6)) telling-three"]


@pytest.fixture
def bash():
    """An interactive bash on a terminal of its own, and a way to type into it."""
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        ["/bin/bash", "--norc", "--noprofile", "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, env={"PATH": "/usr/bin:/bin", "PS1": "> ", "TERM": "dumb"},
    )  # fmt: skip
    os.close(theirs)

    def type_lines(lines):
        for line in lines:
            wait_for(ours, b"> ")
            os.write(ours, line.encode() + b"\n")

    yield shell, type_lines
    shell.kill()
    shell.wait()
    os.close(ours)


def wait_for(fd, text):
    seen = b""
    while text not in seen:
        seen += os.read(fd, 1024)


def test_each_command_is_one_row(start, bash):
    shell, type_lines = bash
    tool = start(SCRIPT)
    header = tool.ready()
    assert header == "TIME      PID     COMMAND"
    type_lines([*WORDS, "echo the-end"])
    tool.wait_for(lambda line: "the-end" in line)
    assert tool.interrupt() == 0, tool.report()
    rows = [line for line in tool.lines[1:] if column(header, line, "PID") == str(shell.pid)]
    assert [row[header.index("COMMAND") :] for row in rows] == [*WORDS, "echo the-end"]
    assert all(row[2] == ":" for row in rows) and tool.errors == []


def test_json_is_one_typed_object_a_line(start, bash):
    shell, type_lines = bash
    tool = start(SCRIPT, "--json")
    tool.knock(lambda: type_lines(["echo telling"]))
    assert tool.interrupt() == 0
    record = next(r for r in tool.json() if r["pid"] == shell.pid)
    assert record["command"] == "echo telling"


def test_a_file_without_readline_is_one_line(start):
    for args, error in (
        (["-s", "/no/such/file"], "bashreadline: no such file: /no/such/file"),
        (["-s", shutil.which("true")], f"bashreadline: {shutil.which('true')} has no function "
         "readline"),
    ):  # fmt: skip
        tool = start(SCRIPT, *args)
        assert tool.finish() == 1
        assert tool.errors == [error]
