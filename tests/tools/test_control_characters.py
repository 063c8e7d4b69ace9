"""Names with control characters and bytes that are no UTF-8 neither break a row nor a tool."""

import json
import os
import subprocess
import sys

import pytest
from conftest import TOP, column

COMM = b"n\xff\x1b[31m\n!"
PATH = b"a\nb\x1b[31m\x9b\xc2\x9b\xff"
# Control characters are shown as escapes, and what is no UTF-8 as it is where it names a file.
SHOWN_COMM = "n\N{REPLACEMENT CHARACTER}\\x1b[31m\\n!"
SHOWN_PATH = rb"a\nb\x1b[31m" + b"\x9b" + rb"\x9b" + b"\xff"
PROGRAM = f"""
import ctypes, os, sys
ctypes.CDLL(None).prctl(15, {COMM!r}, 0, 0, 0)
print("named", flush=True)
for line in sys.stdin:
    file = os.open(b"{{directory}}/" + {PATH!r}, os.O_CREAT | os.O_RDWR)
    os.stat(b"{{directory}}/" + {PATH!r})
    os.write(file, b"x")
    os.close(file)
    print("done", flush=True)
"""


class Hostile:
    """A process of a hostile name that handles a file of one at each word."""

    def __init__(self, directory):
        program = PROGRAM.replace("{directory}", str(directory))
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "named\n"
        self.pid = str(self.process.pid)

    def act(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture
def hostile(tmp_path):
    running = Hostile(tmp_path)
    yield running
    running.process.communicate()


OPENS = "t:syscalls:sys_enter_openat"
# A tool, what it is told, and whether it prints a report at Ctrl-C.
ROWS = [
    ("opensnoop", [], False),
    ("statsnoop", [], False),
    ("trace", [f'{OPENS} "%s", args->filename'], False),
    ("filetop", ["-C", "9999"], True),
    ("syscount", ["-P"], True),
    ("offcputime", [], True),
    ("offcputime", ["-f", "1"], True),
    ("stackcount", ["-f", "-i", "1", OPENS], True),
]


def begin(start, name, hostile, *words):
    """The tool at work: those that print no header are asked until they have seen something."""
    tool = start(f"tools/{name}.py", "-p", hostile.pid, *words)
    if "-f" not in words and "--json" not in words:
        tool.ready()
    return tool


@pytest.mark.parametrize(("name", "words", "reports"), ROWS)
def test_a_row_is_one_line_without_control_characters(start, hostile, name, words, reports):
    tool = begin(start, name, hostile, *words)
    if "-f" in words:
        tool.knock(hostile.act)
    else:
        hostile.act(), hostile.act()  # to wait for the second is time off the CPU
        if not reports:
            tool.wait_for(lambda line: SHOWN_COMM in line)
    tool.process.send_signal(2)
    tool.finish()
    assert any(SHOWN_COMM in line for line in tool.lines), tool.report()
    assert not any(set(line) & set(map(chr, (*range(9), *range(10, 32)))) for line in tool.lines)
    assert tool.errors == [], tool.report()


def test_a_file_is_named_by_its_own_bytes(hostile):
    command = [sys.executable, str(TOP / "tools/opensnoop.py"), "-p", hostile.pid]
    # Also where the locale could not encode them.
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as tool:
        assert tool.stdout.readline().startswith(b"PID ")
        hostile.act()
        row = tool.stdout.readline()
        tool.terminate()
    assert row.rstrip(b"\n").endswith(b"/" + SHOWN_PATH), row


def test_objects_have_the_names_themselves(start, hostile):
    tools = [
        begin(start, "opensnoop", hostile, "--json"),
        begin(start, "filetop", hostile, "--json", "1"),
        begin(start, "syscount", hostile, "--json", "-P", "-i", "1"),
    ]
    for tool in tools:
        tool.knock(hostile.act)
        assert tool.interrupt() == 0, tool.report()
        assert {record["comm"] for record in tool.json()} == {COMM.decode(errors="replace")}
    opened = {record["path"].rpartition("/")[2] for record in tools[0].json()}
    written = {r["file"] for line in tools[1].lines if (r := json.loads(line))["writes"]}
    assert PATH.decode(errors="replace") in opened & written


def test_arguments_of_a_program_are_one_line(start):
    tool = start("tools/execsnoop.py", "-P", str(os.getpid()))
    header = tool.ready()
    objects = start("tools/execsnoop.py", "--json", "-P", str(os.getpid()))
    words = [b"/bin/true", b"a\nb\rc\x1b[2J"]
    objects.knock(lambda: subprocess.run(words, check=True))
    row = tool.wait_for(lambda line: "/bin/true" in line)
    assert tool.interrupt() == 0 and objects.interrupt() == 0
    assert row.endswith(r"/bin/true a\nb\rc\x1b[2J") and column(header, row, "COMM") == "true"
    assert objects.json()[0]["args"] == ["/bin/true", "a\nb\rc\x1b[2J"]
