"""What the Python tests share: kernel features, fake tables, children to watch."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest


class Feature(NamedTuple):
    """What a test may need of the kernel: since when every usual kernel has it, and how it is seen."""

    since: tuple
    there: Callable[[], bool]


def _device(name):
    return lambda: Path("/sys/bus/event_source/devices", name).exists()


def _supports(name):
    def check():
        from bcc import _native

        return _native.supports(name)

    return check


_FEATURES = {
    "kprobes": Feature((4, 17), _device("kprobe")),
    "uprobes": Feature((4, 17), _device("uprobe")),
    "fentry": Feature((5, 5), _supports("fentry")),
    "fmod_ret": Feature((5, 7), _supports("fmod_ret")),
    # In the list of active security modules by default since Debian's 6.1.
    "lsm": Feature((6, 1), _supports("lsm")),
    # Debian's kernels before 6.12 lack FPROBE.
    "kprobe_multi": Feature((6, 12), _supports("kprobe_multi")),
    "uprobe_multi": Feature((6, 6), _supports("uprobe_multi")),
    "uprobe_multi_process": Feature((6, 10), _supports("uprobe_multi_process")),
    "tcx": Feature((6, 6), _supports("tcx")),
    "netfilter": Feature((6, 4), _supports("netfilter")),
    "ringbuf": Feature((5, 8), _supports("ringbuf")),
}

# In a guest (the harness names its kernel) nothing that the kernel must have may be missing. The
# developer's own machine may be a kernel with parts left out.
_IN_GUEST = "BCC_TEST_KERNEL" in os.environ


def release():
    """The running kernel's (major, minor)."""
    return tuple(int(part) for part in os.uname().release.split(".")[:2])


@pytest.fixture
def requires():
    """`requires("kprobes")` skips on a kernel too old; at or past the minimum, absence is a failure.

    Only outside of guests may a kernel of that age still be without: then the test is skipped.
    """

    def check(name):
        feature = _FEATURES[name]
        if feature.there():
            return
        needed = ".".join(map(str, feature.since))
        if release() < feature.since or not _IN_GUEST:
            pytest.skip(f"this kernel has no {name} (usual since {needed})")
        pytest.fail(f"{name} is missing: kernels have it since {needed}")

    return check


@pytest.fixture
def cgroup2(tmp_path):
    """A directory of a cgroup v2 hierarchy."""
    subprocess.run(["mount", "-t", "cgroup2", "none", str(tmp_path)], check=True)
    yield str(tmp_path)
    subprocess.run(["umount", str(tmp_path)], check=True)


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
