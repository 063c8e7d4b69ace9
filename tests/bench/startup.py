"""Rows of start-up: import, constructing a BPF cold and from the cache, the first probe, memory.

Every sample is a process of its own (child.py) with a cache directory of its own. CPU time counts
this process and its children; memory the same, added up. Prints one JSON object, row by row.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import texts

HERE = Path(__file__).resolve().parent
SAMPLES = int(os.environ.get("BENCH_SAMPLES", "3"))


class Rows:
    """The samples of each row, and for each what the children had of it."""

    def __init__(self):
        self.rows = {}

    def add(self, name, unit, own, child=0.0, notes=()):
        empty = {"unit": unit, "better": "lower", "samples": [], "child": [], "notes": []}
        row = self.rows.setdefault(name, empty)
        row["samples"].append(own + child)
        row["child"].append(child)
        row["notes"] += [note for note in notes if note not in row["notes"]]

    def result(self):
        for row in self.rows.values():
            row["value"] = sorted(row["samples"])[len(row["samples"]) // 2]
        return self.rows


def start(text, cache, **more):
    """What child.py measures of one program."""
    env = dict(os.environ, BCC_CACHE_DIR=cache)
    done = subprocess.run(
        [sys.executable, str(HERE / "child.py")],
        input=json.dumps({"text": text, **more}), env=env, stdout=subprocess.PIPE, text=True,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def construct(rows, name, measured, notes=()):
    stage = measured["construct"]
    rows.add(name, "ms", stage["cpu"], stage["children"], notes)


def importing(rows):
    code = "import time; t = time.process_time(); from bcc import BPF; print(time.process_time() - t)"
    for _ in range(SAMPLES):
        spent = float(subprocess.check_output([sys.executable, "-c", code]))
        rows.add("import bcc", "ms", spent * 1e3)


def constructing(rows):
    for name, text in texts.COLD.items():
        for _ in range(SAMPLES):
            with tempfile.TemporaryDirectory() as cache:
                construct(rows, f"cold, nothing kept: {name}", start(text, cache))
                # The cache directory knows the kernel's types now, and this text.
                again = start(text, cache)
                construct(rows, f"cached: {name}", again, again["compiler"])
            with tempfile.TemporaryDirectory() as cache:
                start(texts.OTHER, cache)
                construct(rows, f"cold: {name}", start(text, cache))


def first_probe(rows):
    with tempfile.TemporaryDirectory() as cache:
        for sample in range(SAMPLES + 1):
            measured = start(texts.HELLO, cache, attach="hello")
            if sample:
                started = measured["started"]
                rows.add("start to first probe, cached", "ms", started["cpu"], started["children"])


def memory(rows):
    for name, text in (("hello", texts.EVENT), ("net/tcp.h", texts.EVENT_NET)):
        for _ in range(SAMPLES):
            with tempfile.TemporaryDirectory() as cache:
                for kind in ("cold", "cached"):
                    kib = start(text, cache, attach="on_call", event="events")["memory"]
                    child = kib["child_peak"] / 1024 if kind == "cold" else 0.0
                    rows.add(f"peak RSS {kind}: {name}", "MiB", kib["peak"] / 1024, child)
                    if kind == "cached":
                        rows.add(f"private memory: {name}", "MiB", kib["private"] / 1024)


def main():
    rows = Rows()
    for area in (importing, constructing, first_probe, memory):
        area(rows)
    print(json.dumps(rows.result()))


if __name__ == "__main__":
    main()
