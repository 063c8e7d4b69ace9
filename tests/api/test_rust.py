"""The Rust API: each test of `bcc-core/tests/rows` is a process of its own, which prints its rows."""

import os
import subprocess

import pytest

# Set by `x test api` and the guests' harness, which build it.
PROGRAM = os.environ.get("BCC_RUST_ROWS")


def tests():
    """The names that the program lists."""
    if not PROGRAM:
        return []
    listed = subprocess.run([PROGRAM, "--list", "--format=terse"], capture_output=True, text=True, check=True)
    return [line.removesuffix(": test") for line in listed.stdout.splitlines() if line.endswith(": test")]


@pytest.mark.parametrize("name", tests())
def test_rust(name, row):
    done = subprocess.run(
        [PROGRAM, "--exact", name, "--nocapture", "--test-threads=1"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = 0
    # libtest prints `test NAME ... ` in front of a test's first line.
    for line in done.stdout.splitlines():
        kind, *rest = line.rpartition("... ")[2].split("\t")
        if kind == "skip":
            pytest.skip(rest[0])
        if kind == "row":
            row(*rest)
            shown += 1
    assert shown, "no row"


def test_the_program_is_built():
    """Without it no row of the Rust API would be missed."""
    assert PROGRAM and len(tests()) > 25
