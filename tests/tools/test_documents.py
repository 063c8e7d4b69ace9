"""Each tool has help with examples, a man page with every option, and a file of explained output."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
NAMES = sorted(path.stem for path in TOOLS.glob("*.py"))
pytestmark = pytest.mark.skipif("BCC_TEST_KERNEL" in os.environ, reason="the same on any kernel")


def help_of(name, **environment):
    command = [sys.executable, str(TOOLS / f"{name}.py"), "--help"]
    env = os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_help_ends_with_examples(name):
    text = help_of(name)
    assert text.startswith(f"usage: {name}.py [-h]")
    before, examples = text.split("\nexamples:\n")
    assert len(re.findall(rf"^ +(?:\./)?{name}\b", examples, re.M)) >= 3
    assert "--json" in before, "every tool prints objects on demand"


@pytest.mark.parametrize("name", NAMES)
def test_man_page_has_every_option(name):
    page = (TOOLS / f"man/man8/{name}.8").read_text()
    page = re.sub(r"\\f[BIRP]", "", page).replace("\\", "")
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "OVERHEAD"):
        assert f".SH {section}\n" in page
    body = help_of(name).split("\nexamples:\n")[0].split("\n\n", 1)[1]
    options = set(re.findall(r"(?<![\w-])--?[a-zA-Z0-9][\w-]*", body))
    missing = {o for o in options if not re.search(rf"(?<![\w-]){re.escape(o)}(?![\w-])", page)}
    assert not missing


@pytest.mark.parametrize("name", NAMES)
def test_example_file_shows_runs(name):
    text = (TOOLS / f"{name}_example.txt").read_text()
    assert len(re.findall(rf"^# .*{name}\b", text, re.M)) >= 2


def synopses():
    lines = Path(__file__).with_name("synopses.txt").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_options_are_those_that_scripts_know(name):
    usage = help_of(name, COLUMNS="3000").splitlines()[0]
    assert usage.replace(" [--json]", "") == f"usage: {name}.py [-h] {synopses()[name]}"


# What a tool cannot do without.
WORDS = {"argdist": ["-C", "p:c:getppid()"], "trace": ["c:getppid"], "funccount": ["c:getppid"],
         "funclatency": ["c:getppid"], "stackcount": ["c:getppid"]}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if name != "tplist"])
def test_who_may_not_trace_is_told_in_one_line(name):
    script = [sys.executable, str(TOOLS / f"{name}.py"), *WORDS.get(name, [])]
    done = subprocess.run(["unshare", "--user", *script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert re.fullmatch(r"Need (super-user privileges|sudo) .*\n", done.stderr)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "tplist"])
def test_ebpf_prints_the_program_and_no_more(name):
    script = [sys.executable, str(TOOLS / f"{name}.py"), *WORDS.get(name, []), "--ebpf"]
    done = subprocess.run(["unshare", "--user", *script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "BPF_" in done.stdout and re.search(r"^int \w+\(|KFUNC_PROBE\(", done.stdout, re.M)
