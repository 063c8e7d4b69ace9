"""A child process that is held until its tracer is ready."""

import os
import subprocess

# Waits for end of file on the pipe whose number is $1, then becomes the command.
_HOLD = 'read -r _ </dev/fd/"$1"; shift; exec "$@"'


class _HeldChild:
    """One held child."""

    def __init__(self, argv):
        hold, self._release = os.pipe()
        try:
            self._child = subprocess.Popen(
                ["/bin/sh", "-c", _HOLD, "sh", str(hold), *argv], pass_fds=(hold,)
            )
        finally:
            os.close(hold)

    @property
    def pid(self):
        return self._child.pid

    def release(self):
        """Lets the child go on to its exec."""
        if self._release is not None:
            os.close(self._release)
            self._release = None

    def exited(self):
        return self._child.poll() is not None


_child = None


def run_cmd(argv):
    """Starts `argv` (str or bytes each) held before its exec; returns its pid. One child at a time."""
    global _child
    _child = _HeldChild(argv)
    return _child.pid


def cmd_ready():
    """Lets the child of `run_cmd` go on to its exec."""
    if _child is not None:
        _child.release()


def cmd_exited():
    """Whether the child of `run_cmd` has ended."""
    return _child is not None and _child.exited()
