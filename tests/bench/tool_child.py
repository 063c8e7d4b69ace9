"""One start of a tool in a process of its own: CPU and wall time to the first probe, then memory.

    tool_child.py SCRIPT [ARG...]

Runs under any Python with our `bcc`. `BENCH_BEGUN` is the clock before this process was made. Prints
what it measured as JSON on descriptor 3 and ends the tool a moment after its first probe. Until then
nothing is imported that the tool does not need itself.
"""

import os
import sys
import time

SETTLED_SECONDS = 0.3
TOOL = sys.argv[1:]


def watch():
    """Has the tool's first attached probe noted, and its end prepared."""
    from bcc.bpf import BPF

    measured = {}
    attached = BPF._attached

    def first_attached(self):
        attached(self)
        if measured:
            return
        measured["cpu"] = time.process_time() * 1e3
        measured["wall"] = (time.time() - float(os.environ["BENCH_BEGUN"])) * 1e3
        import json
        import signal

        from child import Stage, memory

        def settled(number, frame):
            measured["steady"] = memory()["steady"]
            with os.fdopen(3, "w") as out:
                json.dump(measured, out)
            os._exit(0)

        measured["compiler"] = Stage._children() * 1e3
        signal.signal(signal.SIGALRM, settled)
        signal.setitimer(signal.ITIMER_REAL, SETTLED_SECONDS)

    BPF._attached = first_attached


watch()
sys.argv = TOOL
with open(TOOL[0]) as script:
    exec(compile(script.read(), TOOL[0], "exec"))
