"""Runs a tool as on a kernel that has only the last of the hooks that the tool can take.

last_hook.py TOOL.py [ARG...]
"""

import runpy
import sys

from bcc import BPF, tool

tool.load_first = lambda text, variants: (tool.load(text, variants[-1]), variants[-1])
BPF.tracepoint_exists = staticmethod(lambda category, event: False)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
