"""One start of a tool in a process of its own: CPU and wall time to the first probe, then memory.

    tool_child.py SCRIPT [ARG...]

Runs under any Python with our `bcc`. `BENCH_BEGUN` is the clock before this process was made. Prints
what it measured as JSON on descriptor 3 and ends the tool a moment after its first probe.
"""

import os
import time

from child import Stage, memory

SETTLED_SECONDS = 0.3


def main():
    import json
    import runpy
    import signal
    import sys

    from bcc.bpf import BPF

    measured = {}
    attached = BPF._attached

    def first_attached(self):
        attached(self)
        if not measured:
            measured["wall"] = (time.time() - float(os.environ["BENCH_BEGUN"])) * 1e3
            measured["cpu"] = time.process_time() * 1e3
            measured["compiler"] = Stage._children() * 1e3
            signal.setitimer(signal.ITIMER_REAL, SETTLED_SECONDS)

    def settled(number, frame):
        measured["steady"] = memory()["steady"]
        with os.fdopen(3, "w") as out:
            json.dump(measured, out)
        os._exit(0)

    BPF._attached = first_attached
    signal.signal(signal.SIGALRM, settled)
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
