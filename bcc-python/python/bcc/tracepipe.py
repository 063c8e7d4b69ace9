"""The kernel's trace pipe: what `bpf_trace_printk` prints."""

import sys

from . import _native

_UNKNOWN = ("Unknown", 0, 0, "Unknown", 0.0, "Unknown")


class TracePipeMixin:
    """`trace_*` methods of `BPF`."""

    tracefile = None

    def trace_open(self, nonblocking=False):
        """The trace pipe as a binary file object, opened once."""
        if self.tracefile is None:
            self._trace_pipe = _native.TracePipe()
            self.tracefile = open(self._trace_pipe.dup(), "rb")
            self._attached()
        if nonblocking:
            self._trace_pipe.set_nonblocking()
        return self.tracefile

    def trace_readline(self, nonblocking=False):
        """The next line as bytes without its newline; None when there is none (non-blocking)."""
        trace = self.trace_open(nonblocking)
        try:
            line = trace.readline(1024)
        except BlockingIOError:
            return None
        return line.rstrip() if line else None

    def trace_fields(self, nonblocking=False):
        """The next line as (task bytes, pid, cpu, flags bytes, seconds float, message bytes).

        Six Nones when there is no line (non-blocking).
        """
        while True:
            line = self.trace_readline(nonblocking)
            if not line:
                if nonblocking:
                    return (None,) * 6
                continue
            if line.startswith(b"CPU:"):
                continue
            return _native.parse_trace_line(line) or _UNKNOWN

    def trace_print(self, fmt=None):
        """Prints line after line for ever; `fmt` is a `str.format` text over `trace_fields`."""
        while True:
            if fmt:
                fields = self.trace_fields(nonblocking=False)
                if not fields:
                    continue
                line = fmt.format(*fields)
            else:
                line = self.trace_readline(nonblocking=False)
            print(line)
            sys.stdout.flush()

    def _close_trace(self):
        if self.tracefile is not None:
            self.tracefile.close()
            self.tracefile = None
            self._trace_pipe = None
