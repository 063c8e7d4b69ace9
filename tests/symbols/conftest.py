"""Programs that are built here and tell the truth about themselves."""

import os
import pathlib
import subprocess

import pytest

PROGRAMS = pathlib.Path(__file__).resolve().parents[1] / "programs"


@pytest.fixture
def in_guest():
    """For what changes the whole system."""
    if "BCC_TEST_KERNEL" not in os.environ:
        pytest.skip("changes the kernel for all: guests only")


@pytest.fixture
def build(tmp_path):
    """`build("symbols.c", "-static")` compiles a program of `tests/programs`; returns its path."""

    def make(*arguments, output="target", directory=tmp_path):
        words = [PROGRAMS / a if str(a).endswith((".c", ".cpp")) else a for a in arguments]
        compiler = "g++" if any(str(a).endswith(".cpp") for a in arguments) else "gcc"
        subprocess.run([compiler, "-O1", "-g", *words, "-o", directory / output], check=True)
        return str(directory / output)

    return make


class Target:
    """A program that prints lines `name 0xaddress` first, and answers input with lines."""

    def __init__(self, argv, count):
        self.child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.child.pid
        self.addresses = self.read(count)

    def line(self):
        """The next line."""
        line = self.child.stdout.readline()
        assert line, "the program ended"
        return line.rstrip("\n")

    def read(self, count):
        """So many lines as a dict of names and numbers."""
        pairs = (self.line().rsplit(" 0x", 1) for _ in range(count))
        return {name: int(number, 16) for name, number in pairs}

    def say(self, text):
        """Gives the program a line."""
        self.child.stdin.write(text + "\n")
        self.child.stdin.flush()

    def end(self):
        """Ends its input and waits for it."""
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()


@pytest.fixture
def start():
    """`start(argv, count)` runs a `Target`; all are ended afterwards."""
    targets = []

    def make(argv, count):
        targets.append(Target([argv] if isinstance(argv, str) else argv, count))
        return targets[-1]

    yield make
    for target in targets:
        if not target.child.stdin.closed:
            target.end()
