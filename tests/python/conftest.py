"""What the Python tests share: kernel features, fake tables, children to watch."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Kernel release from which on each feature must be there when the kernel's own sign shows it.
_SIGNS = {
    "kprobes": Path("/sys/bus/event_source/devices/kprobe"),
    "uprobes": Path("/sys/bus/event_source/devices/uprobe"),
}


@pytest.fixture
def requires():
    """`requires("kprobes")` skips only where the kernel itself shows no sign of the feature."""

    def check(feature):
        if not _SIGNS[feature].exists():
            pytest.skip(f"this kernel has no {feature}")

    return check


@pytest.fixture
def cgroup2(tmp_path):
    """A directory of a cgroup v2 hierarchy."""
    subprocess.run(["mount", "-t", "cgroup2", "none", str(tmp_path)], check=True)
    yield str(tmp_path)
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.fixture
def no_leak():
    """Fails when a test leaves a descriptor open."""
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    yield
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


class HeldChild:
    """A child that runs `argv` once told to: programs can filter on its pid before it does anything."""

    def __init__(self, *argv):
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'read -r _; exec "$@"', "sh", *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        self.pid = self.process.pid

    def run(self):
        """Lets it go and waits for its end; returns its exit status."""
        self.process.stdin.write(b"\n")
        self.process.stdin.close()
        return self.process.wait()


@pytest.fixture
def held_child():
    """Makes `HeldChild`ren and ends those a failed test leaves."""
    children = []

    def make(*argv):
        children.append(HeldChild(*argv))
        return children[-1]

    yield make
    for child in children:
        if child.process.poll() is None:
            child.process.kill()
            child.process.wait()


@pytest.fixture
def run_python():
    """Runs a script in a Python of its own; returns the finished process."""

    def run(script, *argv, **kwargs):
        return subprocess.run(
            [sys.executable, "-c", script, *argv], capture_output=True, text=True, **kwargs
        )

    return run
