"""A child process that is held until its tracer is ready."""

import errno
import os
import signal


class _HeldChild:
    """One held child."""

    def __init__(self, argv):
        hold, self._release = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _become(argv, hold, self._release)
        os.close(hold)
        self._exited = False

    def release(self):
        """Lets the child go on to its exec."""
        if self._release is not None:
            os.write(self._release, b"g")
            os.close(self._release)
            self._release = None

    def exited(self):
        if not self._exited:
            self._exited = os.waitpid(self.pid, os.WNOHANG)[0] == self.pid
        return self._exited


def _become(argv, hold, release):
    """In the child: waits for a byte in the pipe, then becomes the command. Never returns.

    A tracer that ends before it says so closes the pipe: nothing is run that would not be traced.
    All that the tracer has open closes at the exec, so that the command starts with what a shell
    would give it.
    """
    try:
        os.close(release)
        if not os.read(hold, 1):
            os._exit(127)
        # Python ignores it for itself.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execvp(argv[0], argv)
    except OSError as error:
        name = os.fsdecode(argv[0])
        text = f"failed to exec command: {name}: {error}\n"
        os.write(2, text.encode("utf-8", "surrogateescape"))
    finally:
        os._exit(127)


_child = None


def run_cmd(argv):
    """Starts `argv` (str or bytes each) held before its exec; returns its pid. One child at a time.

    Raises FileNotFoundError for a command that is not there or not to be executed.
    """
    from shutil import which

    global _child
    if which(name := os.fsdecode(argv[0])) is None:
        why = f"[Errno {errno.ENOENT}] {os.strerror(errno.ENOENT)}"
        raise FileNotFoundError(f"failed to exec command: {name}: {why}")
    _child = _HeldChild(argv)
    return _child.pid


def cmd_ready():
    """Lets the child of `run_cmd` go on to its exec."""
    if _child is not None:
        _child.release()


def cmd_exited():
    """Whether the child of `run_cmd` has ended."""
    return _child is not None and _child.exited()
