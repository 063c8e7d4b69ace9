"""A child process that is held until its tracer is ready."""

from . import _native


class Exec:
    """One held child."""

    def __init__(self):
        self._child = None

    def run_cmd(self, argv):
        """Starts `argv` (a list of str or bytes) held before its exec; returns its pid."""
        self._child = _native.HeldChild([_bytes(arg) for arg in argv])
        return self._child.pid

    def cmd_ready(self):
        """Lets the child go on to its exec."""
        if self._child is not None:
            self._child.release()

    def cmd_exited(self):
        """Whether the child has ended."""
        return self._child is not None and self._child.exited()


def _bytes(arg):
    return arg if isinstance(arg, bytes) else arg.encode()


_one = Exec()


def run_cmd(argv):
    """Starts `argv` held before its exec; returns its pid. One child at a time."""
    return _one.run_cmd(argv)


def cmd_ready():
    """Lets the child of `run_cmd` go on to its exec."""
    _one.cmd_ready()


def cmd_exited():
    """Whether the child of `run_cmd` has ended."""
    return _one.cmd_exited()
