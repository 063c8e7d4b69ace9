"""The kernel's trace pipe: what `bpf_trace_printk` prints."""

import sys

from . import _native

_UNKNOWN = ("Unknown", 0, 0, "Unknown", 0.0, "Unknown")


class TracePipeMixin:
    """`trace_*` methods of `BPF`."""

    tracefile = None
    _trace_pipe = None

    def _pipe(self, nonblocking):
        pipe = self._trace_pipe
        if pipe is None:
            pipe = self._trace_pipe = _native.TracePipe()
            self._attached()
        pipe.set_nonblocking(nonblocking)
        return pipe

    def trace_open(self, nonblocking=False):
        """The trace pipe as a binary file object, opened once."""
        pipe = self._pipe(nonblocking)
        if self.tracefile is None:
            self.tracefile = open(pipe.dup(), "rb")
        return self.tracefile

    def trace_readline(self, nonblocking=False):
        """The next line as bytes without its newline; None when there is none (non-blocking)."""
        return self._pipe(nonblocking).readline()

    def trace_fields(self, nonblocking=False):
        """The next line as (task bytes, pid, cpu, flags bytes, seconds float, message bytes).

        Six Nones when there is no line (non-blocking).
        """
        pipe = self._trace_pipe or self._pipe(nonblocking)
        while True:
            fields = pipe.fields(nonblocking)
            if fields:
                return fields
            if fields is False:
                return _UNKNOWN
            if nonblocking:
                return (None,) * 6

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
