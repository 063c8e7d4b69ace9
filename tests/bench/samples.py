"""What the scripts of areas share: time of this thread, and rows as JSON.

They run under any Python with any `bcc`, ours or another, and print one object: row name ->
{"value", "unit", "better", "samples"}.
"""

import ctypes
import json
import os
import statistics
import subprocess
import time

TRACEFS = "/sys/kernel/tracing"


class Rows:
    """Rows of one script, by name."""

    def __init__(self):
        self.rows = {}

    def add(self, name, unit, better, samples, notes=()):
        """A row; its value is the median."""
        value = statistics.median(samples)
        self.rows[name] = {"value": value, "unit": unit, "better": better, "samples": samples}
        self.rows[name]["notes"] = list(notes)

    def per_event(self, name, samples):
        """Pairs of seconds and number of events, as microseconds each."""
        self.add(name, "us", "lower", [1e6 * seconds / count for seconds, count in samples])

    def rate(self, name, samples, notes=()):
        """Pairs of seconds and number of things, as millions per second."""
        self.add(name, "M/s", "higher", [count / seconds / 1e6 for seconds, count in samples], notes)

    def whole(self, name, samples):
        """Seconds, as milliseconds."""
        self.add(name, "ms", "lower", [1e3 * seconds for seconds in samples])

    def print(self):
        print(json.dumps(self.rows))


def cpu(work, *arguments):
    """Seconds of CPU of this thread for one call: others' load on the machine is not in it."""
    before = time.thread_time()
    work(*arguments)
    return time.thread_time() - before


def wall(work, *arguments):
    """Seconds that pass during one call, for what waits instead of computing."""
    before = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - before


def mount_tracefs():
    """Mounts tracefs, for this process alone, where it is not mounted: the peer does not do that."""
    if os.path.exists(TRACEFS + "/events"):
        return
    clone_newns = 0x20000
    if ctypes.CDLL(None, use_errno=True).unshare(clone_newns):
        raise OSError(ctypes.get_errno(), "cannot have mounts of one's own")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tracefs", "none", TRACEFS], check=True)
