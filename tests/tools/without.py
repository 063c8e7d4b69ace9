"""Runs a tool as on a kernel that lacks hooks: without.py HOOK[,HOOK...] SCRIPT [ARG...].

A hook is `fentry` or a tracepoint, `category:event`. The tool must then take its next one.
"""

import runpy
import sys

import bcc.bpf


def main():
    lacking = sys.argv[1].split(",")
    exists = bcc.bpf.BPF.tracepoint_exists
    bcc.bpf.BPF.tracepoint_exists = staticmethod(
        lambda category, event: f"{category}:{event}" not in lacking and exists(category, event)
    )
    if "fentry" in lacking:
        bcc.bpf.BPF.support_kfunc = staticmethod(lambda: False)
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
