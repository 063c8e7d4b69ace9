"""Ctrl-C during cleanup: what is attached goes first, then the signal does what it does."""

# The built-in half of `signal`: an import of the other half costs more than most cleanups.
import _signal  # type: ignore[import-not-found]
import sys


class Uninterrupted:
    """A context in which SIGINT only waits; its handler runs at the end."""

    def __enter__(self):
        self._came = False
        self._handler = _signal.getsignal(_signal.SIGINT)
        if not callable(self._handler):
            return
        try:
            _signal.signal(_signal.SIGINT, self._note)
        except ValueError:  # only the main thread has handlers, and only it is interrupted
            self._handler = None

    def _note(self, number, frame):
        self._came = True

    def __exit__(self, exc_type, exc_val, exc_tb):
        if callable(self._handler):
            _signal.signal(_signal.SIGINT, self._handler)
            if self._came:
                _signal.raise_signal(_signal.SIGINT)


def end_by_sigint():
    """Ends the process as Ctrl-C ends a program that does not handle it."""
    sys.stdout.flush()
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    _signal.raise_signal(_signal.SIGINT)
