"""A number that cannot be meant: a usage error that names the option, before anything is traced."""

import os
import re
import subprocess
import sys

import pytest
from test_documents import NAMES, TOOLS, WORDS, synopses

pytestmark = pytest.mark.skipif("BCC_TEST_KERNEL" in os.environ, reason="the same on any kernel")

NO_ID = "{} is not a process or thread id"
NO_USER = "{} is not a user id"
NO_CPU = "there is no CPU {} online"
NO_PORTS = "'{}' is not a list of ports"
NO_NUMBER = "invalid int value: '{}'"
# No machine has as many.
CPU = str(1 << 20)
PID = {"-5": NO_ID, str(1 << 31): NO_ID, str((1 << 32) + 1): NO_ID, "x": NO_NUMBER}
UID = {"-5": NO_USER, str(1 << 32): NO_USER, "x": NO_NUMBER}
PORTS = {"-5": NO_PORTS, "65536": NO_PORTS, "80,65536": NO_PORTS, "x": NO_PORTS}
PIDS = {"-5": "must be positive ingegers", "1,x": "must be integers", f"1,{1 << 31}": NO_ID}
# By the word that stands for the value in the tool's usage.
MISTAKES = {
    "PID": PID,
    "TID": PID,
    "PPID": PID,
    "UID": UID,
    "USER": {"-5": "'{}' is not valid UID or user entry", str(1 << 32): NO_USER},
    "CPU": {"-5": NO_CPU, CPU: NO_CPU, "x": NO_NUMBER},
    "PORT": PORTS,
    "LOCALPORT": PORTS,
    "REMOTEPORT": PORTS,
}
LISTS = {"offcputime", "profile"}
OPTIONS = [
    (name, option, meaning)
    for name in NAMES
    for option, meaning in re.findall(r"(--?\w+) ([A-Z]+)\b", synopses()[name])
    if meaning in MISTAKES
]


def refused(name, *words):
    """What a tool says of arguments that it cannot use."""
    command = [sys.executable, str(TOOLS / f"{name}.py"), *words, *WORDS.get(name, [])]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    usage, _, error = done.stderr.rstrip("\n").rpartition("\n")
    assert usage.startswith(f"usage: {name}.py [-h]")
    return error.removeprefix(f"{name}.py: error: ")


def test_these_are_all_options_that_take_a_process_a_user_a_cpu_or_a_port():
    by_meaning = {meaning: [n for n, _, m in OPTIONS if m == meaning] for meaning in MISTAKES}
    assert {meaning: len(names) for meaning, names in by_meaning.items()} == {
        "PID": 23, "TID": 7, "PPID": 2, "UID": 4, "USER": 1, "CPU": 4,
        "PORT": 1, "LOCALPORT": 2, "REMOTEPORT": 2,
    }  # fmt: skip


@pytest.mark.parametrize(("name", "option", "meaning"), OPTIONS)
def test_a_number_that_names_nothing_is_refused(name, option, meaning):
    mistakes = PIDS if name in LISTS and meaning in ("PID", "TID") else MISTAKES[meaning]
    for value, message in mistakes.items():
        # A word of its own that begins with a dash may be taken for an option.
        attached = f"{option}={value}" if option.startswith("--") else f"{option}{value}"
        error = refused(name, attached)
        argument, _, said = error.partition(": ")
        assert re.fullmatch(rf"argument (?:.*/)?{option}(?:/--\w+)?", argument)
        assert said == message.format(value.rpartition(",")[2] if message == NO_ID else value)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("argdist", "-T"), ("execsnoop", "--max-args"), ("funclatency", "-l"), ("klockstat", "-n"),
        ("klockstat", "-s"), ("memleak", "-o"), ("memleak", "-z"), ("memleak", "-Z"),
        ("syscount", "-T"), ("trace", "-b"),
    ],
)  # fmt: skip
def test_a_limit_below_zero_is_refused(name, option):
    error = refused(name, f"{option}=-5" if option.startswith("--") else f"{option}-5")
    assert option in error and error.endswith(": must be positive")


@pytest.mark.parametrize(
    ("name", "option", "last"),
    [
        ("offcputime", "-m", (1 << 64) - 1), ("offcputime", "--state", (1 << 64) - 1),
        ("memleak", "-Z", (1 << 64) - 1), ("opensnoop", "-d", (1 << 64) - 1),
        ("syscount", "-e", 4095),
    ],
)  # fmt: skip
def test_a_number_that_the_kernel_cannot_hold_is_refused(name, option, last):
    for value in (last + 1, 10**30):
        error = refused(name, option, str(value))
        wanted = f"couldn't map {value} to an errno" if option == "-e" else "must be below 2^64"
        assert option in error and error.endswith(f": {wanted}")


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_a_usage_error(name):
    assert refused(name, "--no-such-option") == "unrecognized arguments: --no-such-option"
