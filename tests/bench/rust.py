"""A ring buffer emptied from Rust; with a `bcc` that is not ours, by C over the library beneath it."""

import ctypes as ct
import os
import pathlib
import subprocess
import sys
import tempfile

import bcc
import events
from samples import Rows, cpu, mount_tracefs

CRATE = pathlib.Path(__file__).resolve().parent / "stages"
CALLBACK = r"""
#include <stddef.h>
#include <stdint.h>
/* Counts events and sums their first words. */
int on_event(uint64_t *seen, const uint64_t *event, size_t size)
{
    seen[0]++;
    seen[1] += *event;
    return 0;
}
"""


def compiled():
    """The address of `on_event`."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "callback.so")
        command = ["cc", "-shared", "-fPIC", "-O2", "-x", "c", "-", "-o", path]
        subprocess.run(command, input=CALLBACK.encode(), check=True)
        return ct.cast(ct.CDLL(path).on_event, ct.c_void_p)


def in_c():
    """What the library under that `bcc` takes per event, called back in C."""
    from bcc.libbcc import lib

    library = ct.CDLL(lib._name)
    library.bpf_new_ringbuf.restype = ct.c_void_p
    seen = (ct.c_uint64 * 2)()
    b = events.load(events.RING, os.getpid())
    ring = ct.c_void_p(library.bpf_new_ringbuf(b[b"events"].get_fd(), compiled(), seen))
    rows, samples = Rows(), []
    for _ in range(events.RUNS):
        seen[0] = 0
        for _ in range(events.CALLS):
            os.getppid()
        spent = cpu(library.bpf_consume_ringbuf, ring)
        assert seen[0] == events.BURST * events.CALLS, seen[0]
        samples.append((spent, seen[0]))
    rows.per_event("ring buffer from Rust", samples)
    rows.print()


def main():
    mount_tracefs()
    if hasattr(bcc, "_native"):
        command = ["cargo", "run", "--quiet", "--release", "--bin", "ring"]
        sys.exit(subprocess.run(command, cwd=CRATE, check=False).returncode)
    in_c()


if __name__ == "__main__":
    main()
