#!/usr/bin/env python3
"""What naming addresses costs, one row per question, as JSON; runs under any Python with any `bcc`.

    x bench symbol_rows                     beside a peer's, as README.md says
    x python tests/bench/symbol_rows.py     alone

Prints {row: {"value", "unit", "better", "samples"}} as run.py wants it: processor time throughout, the
value is the median of the samples. First calls are measured in processes of their own. A row that
could not be measured is left out, and the reason is on stderr.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

SAMPLES = 5
COUNT = 10_000
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
# A large library in C++; others of its kind will do as well.
CPP = "/usr/lib/x86_64-linux-gnu/libLLVM.so.19.1"
STACKS = 10_000
TURNS = 27
STACKS_TEXT = b"""
BPF_STACK_TRACE(stacks, 131072);
BPF_HASH(ids, s64, u64, 65536);
int on_leaf(void *ctx) {
    s64 id = stacks.get_stackid(ctx, BPF_F_USER_STACK);
    u64 one = 1;
    if (id >= 0) ids.update(&id, &one);
    return 0;
}
"""
FIRST_CALL = """
import json, sys, time
from bcc import BPF
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
memory, before = resident(), time.process_time()
BPF.ksym(int(sys.argv[1]))
print(json.dumps([(time.process_time() - before) * 1e3, resident() - memory]))
"""


def row(samples, unit, better):
    """One row of the result."""
    return {"value": statistics.median(samples), "unit": unit, "better": better, "samples": samples}


def rate(work, count, unit="M/s", least=0.05):
    """How many per second of what `work()` does `count` times; second and later passes."""
    scale = {"M/s": 1e6, "1/s": 1}[unit]
    work()
    samples = []
    for _ in range(SAMPLES):
        done, before = 0, time.process_time()
        while time.process_time() - before < least or not done:
            work()
            done += count
        samples.append(done / (time.process_time() - before) / scale)
    return row(samples, unit, "higher")


def kernel_functions():
    """(address, name) of functions of the kernel itself, each name once."""
    found = {}
    with open("/proc/kallsyms") as lines:
        for line in lines:
            words = line.split()
            if len(words) == 3 and words[1] in "tT" and int(words[0], 16):
                found[words[2]] = int(words[0], 16)
    return random.Random(7).sample(sorted((address, name) for name, address in found.items()), COUNT)


def first_calls(address, **environment):
    """The first answer of a process: (milliseconds, MiB) per run."""
    runs = []
    for _ in range(SAMPLES):
        command, env = [sys.executable, "-c", FIRST_CALL, str(address)], dict(os.environ, **environment)
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
        runs.append(json.loads(done.stdout))
    return zip(*runs)


def kernel_rows(BPF):
    """Names of kernel addresses, and addresses of names."""
    functions = kernel_functions()
    addresses = [address + 1 for address, _ in functions]
    names = [name.encode() for _, name in functions]
    first_calls(addresses[0])
    milliseconds, megabytes = first_calls(addresses[0])
    # Ours may find the kernel's list as an earlier process of this boot kept it.
    anew, _ = first_calls(addresses[0], BCC_CACHE="0")
    ksymname = BPF.ksymname
    ksymname(names[0])
    before = time.process_time()
    ksymname(names[1])
    # One that reads the kernel's list anew each time is asked less often.
    slow = time.process_time() - before > 1e-3
    asked = names[: 3 if slow else COUNT]
    ksym = BPF.ksym
    return {
        "ksym, first call": row(list(milliseconds), "ms", "lower"),
        "ksym, first call, nothing kept": row(list(anew), "ms", "lower"),
        "ksym, memory": row(list(megabytes), "MiB", "lower"),
        "ksym": rate(lambda: [ksym(address) for address in addresses], COUNT),
        "ksymname": rate(lambda: [ksymname(name) for name in asked], len(asked), "1/s"),
    }


class Target:
    """A process that has loaded a library, until closed."""

    def __init__(self, library):
        script = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); print(flush=True); sys.stdin.read()"
        command = ["/usr/bin/python3", "-c", script, library]
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(command, stdin=pipe, stdout=pipe)
        self.child.stdout.readline()
        self.pid = self.child.pid
        with open("/proc/%d/maps" % self.pid) as maps:
            name = os.path.basename(library)
            self.base = next(int(line.split("-")[0], 16) for line in maps if name in line)

    def close(self):
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()


def addresses_in(library, base):
    """Addresses one byte into functions that `nm -D` names."""
    nm = subprocess.run(["nm", "-D", "--defined-only", library], stdout=subprocess.PIPE, check=True)
    lines = (line.split() for line in nm.stdout.decode().splitlines())
    found = {int(words[0], 16) for words in lines if len(words) == 3 and words[1] in "tTwWi"}
    found = sorted(found)
    random.Random(7).shuffle(found)
    return [base + address + 1 for address in found[:COUNT]]


def library_row(BPF, library):
    """Names of a library's addresses in a process that has it."""
    target, sym = Target(library), BPF.sym
    try:
        addresses, pid = addresses_in(library, target.base), target.pid
        return rate(lambda: [sym(address, pid) for address in addresses], len(addresses))
    finally:
        target.close()


def build(directory):
    """The program that goes many ways, with frame pointers."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../programs/stacks.c")
    flags = ["-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls"]
    binary = os.path.join(directory, "target")
    subprocess.run(["gcc"] + flags + [source, "-o", binary], check=True)
    return binary


def stack_rows(BPF, USDT):
    """Reading 10,000 different stacks of 30 frames, and naming their frames."""
    with tempfile.TemporaryDirectory() as directory:
        pipe = subprocess.PIPE
        target = subprocess.Popen([build(directory)], stdin=pipe, stdout=pipe)
        pid = target.pid
        target.stdout.readline()
        usdt = USDT(pid=pid)
        usdt.enable_probe(probe="leaf", fn_name="on_leaf")
        b = BPF(text=STACKS_TEXT, usdt_contexts=[usdt])
        # Some fall into the same bucket.
        target.stdin.write(b"0 %d %d\n" % (STACKS + STACKS // 4, TURNS))
        target.stdin.flush()
        target.stdout.readline()
        ids = [key.value for key in b[b"ids"].keys()][:STACKS]
        table, sym = b[b"stacks"], b.sym
        stacks = [list(table.walk(id)) for id in ids]
        frames = sum(map(len, stacks))
        rows = {
            "stack frames": rate(
                lambda: [[sym(frame, pid) for frame in stack] for stack in stacks], frames
            ),
            "stack frames, read and named": rate(
                lambda: [list(table.walk(id, lambda frame: sym(frame, pid))) for id in ids], frames
            ),
        }
        b.cleanup()
        target.stdin.close()
        target.wait()
        return rows


def main():
    # What a compiler prints is no part of the result.
    result = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from bcc import BPF, USDT

    rows = {}
    for measure in (
        lambda: kernel_rows(BPF),
        lambda: {"sym, libc": library_row(BPF, LIBC)},
        lambda: {"sym, C++ binary": library_row(BPF, CPP)},
        lambda: stack_rows(BPF, USDT),
    ):
        try:
            rows.update(measure())
        except Exception as error:
            print("not measured: %s: %s" % (type(error).__name__, error), file=sys.stderr)
    print(json.dumps(rows), file=result)


if __name__ == "__main__":
    main()
