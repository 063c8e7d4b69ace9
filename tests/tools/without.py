"""Runs a tool as on a kernel that lacks hooks: without.py HOOK[,HOOK...] SCRIPT [ARG...].

A hook is a tracepoint, `category:event`, all `tracepoints`, or `fentry`. The tool must then take its
next one.
"""

import runpy
import sys

from bcc import BPF


def main():
    lacking = sys.argv[1].split(",")
    exists, construct = BPF.tracepoint_exists, BPF.__init__

    def lacking_tracepoints(category, event):
        if "tracepoints" in lacking or f"{category}:{event}" in lacking:
            return False
        return exists(category, event)

    def lacking_fentry(self, *args, cflags=(), **more):
        if "-DFENTRY" in cflags:
            raise Exception("fentry programs are refused")
        construct(self, *args, cflags=cflags, **more)

    BPF.tracepoint_exists = staticmethod(lacking_tracepoints)
    if "fentry" in lacking:
        BPF.__init__ = lacking_fentry
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
