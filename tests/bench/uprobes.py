"""Area `uprobes`: a thousand functions of one library by a regular expression, on and off again."""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time

from bcc import BPF

COUNT = 1000
SAMPLES = 3
# Where the kernel attaches them by one call (uprobe_multi), each way takes less.
GOAL_MS = 1000
PROGRAM = b"BPF_ARRAY(hits, u64, 1);\nint on_call(void *ctx) { hits.atomic_increment(0); return 0; }"


def library(directory):
    """A library of COUNT functions; its path."""
    source, path = os.path.join(directory, "many.c"), os.path.join(directory, "libmany.so")
    with open(source, "w") as file:
        for number in range(COUNT):
            file.write(f"int many_{number}(int n) {{ return n + {number}; }}\n")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", path, source], check=True)
    return path


def milliseconds(action):
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def sample(path, pid):
    """(attaching, detaching) in milliseconds, with each function seen to hit in between."""
    many = ctypes.CDLL(path)
    b = BPF(text=PROGRAM)
    name, pattern = path.encode(), b"^many_"
    b.load_func(b"on_call", BPF.KPROBE)
    on = milliseconds(lambda: b.attach_uprobe(name=name, sym_re=pattern, fn_name=b"on_call", pid=pid))
    for number in range(COUNT):
        getattr(many, f"many_{number}")(1)
    hits = b[b"hits"]
    assert hits[0].value == COUNT, hits[0].value
    off = milliseconds(b.cleanup)
    many.many_0(1)
    assert hits[0].value == COUNT, hits[0].value
    return on, off


def main():
    rows = {}
    with tempfile.TemporaryDirectory() as directory:
        path = library(directory)
        for whose, pid in (("", -1), (" of one process", os.getpid())):
            samples = zip(*(sample(path, pid) for _ in range(SAMPLES)))
            for way, values in zip(("attach", "detach"), samples):
                name = f"{way} {COUNT} uprobes{whose} by regex"
                value = sorted(values)[SAMPLES // 2]
                rows[name] = {"value": value, "unit": "ms", "better": "lower", "samples": list(values)}
                if value > GOAL_MS:
                    print(f"{name}: {value:.0f} ms, the goal is {GOAL_MS}", file=sys.stderr)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
