"""Stack traces, queues and stacks."""

import ctypes as ct
import errno

from .. import _native
from .base import TableBase


class bcc_stacktrace_build_id(ct.Structure):
    """One frame of a build-id stack: `status`, `build_id`, and `offset` in the file or the address."""

    class _Where(ct.Union):
        _fields_ = [("offset", ct.c_uint64), ("ip", ct.c_uint64)]

    _anonymous_ = ["u"]
    _fields_ = [("status", ct.c_uint32), ("build_id", ct.c_ubyte * 20), ("u", _Where)]


class StackTrace(TableBase):
    """`BPF_STACK_TRACE` and `BPF_STACK_TRACE_BUILDID`: stack ids to frames."""

    MAX_DEPTH = 127
    BPF_F_STACK_BUILD_ID = 1 << 5
    BPF_STACK_BUILD_ID_EMPTY = 0
    BPF_STACK_BUILD_ID_VALID = 1
    BPF_STACK_BUILD_ID_IP = 2

    class StackWalker:
        """Yields a stack's frames, innermost first."""

        def __init__(self, stack, flags, resolve=None):
            self.stack = stack
            self.flags = flags
            self.resolve = resolve
            if flags & StackTrace.BPF_F_STACK_BUILD_ID:
                self._frames = _build_id_frames(stack)
            else:
                self._frames = iter(stack.ip)

        def __iter__(self):
            return self

        def __next__(self):
            addr = next(self._frames)
            if addr == 0:
                raise StopIteration
            return self.resolve(addr) if self.resolve else addr

        next = __next__

    def walk(self, stack_id, resolve=None):
        """Iterator over the addresses of stack `stack_id`, or over `resolve(address)`."""
        stack = self[self.Key(stack_id)]
        if self.flags & StackTrace.BPF_F_STACK_BUILD_ID:
            return StackTrace.StackWalker(stack, self.flags, resolve)
        # All frames at once: one by one, ctypes costs more than naming them.
        frames = stack.ip[:]
        if 0 in frames:
            del frames[frames.index(0) :]
        return map(resolve, frames) if resolve else iter(frames)

    def symbols(self, stack_id, pid=-1, show_module=False, show_offset=False, demangle=True):
        """Names (bytes) of a stack's frames, innermost first; KeyError for an unknown id.

        `pid` is the process of a user stack, -1 the kernel. Build-id stacks need no pid, but
        `BPF.add_module` for each file. Files and names are cached below `BPF.sym`, which also
        notices what the process loads: stacks need no cache of their own.
        """

        def name(frame):
            return _native.sym(frame, pid, show_module, show_offset, demangle)

        return list(self.walk(stack_id, name))

    def folded(self, user_id=-1, kernel_id=-1, pid=-1, name=None, delimiter=False, **shown):
        """One line (bytes) as flame graphs take it: `name;outermost;...;innermost`, user part first.

        A negative id is the error that `get_stackid` gave: -EFAULT means that there is no such
        stack, others and unknown ids that it was lost, which the line says. `delimiter` puts `-`
        between a user and a kernel part; `shown` is what `symbols` takes.
        """
        parts = [] if name is None else [name]
        user = self._part(user_id, pid, b"[Missed User Stack]", shown)
        kernel = self._part(kernel_id, -1, b"[Missed Kernel Stack]", shown)
        parts += user
        if delimiter and user and kernel:
            parts.append(b"-")
        parts += kernel
        return b";".join([part.replace(b";", b":") for part in parts])

    def _part(self, stack_id, pid, missed, shown):
        """Names of one stack, outermost first."""
        if stack_id in (-1, -errno.EFAULT):
            return []
        try:
            return self.symbols(stack_id, pid, **shown)[::-1]
        except KeyError:
            return [missed]

    def __len__(self):
        return sum(1 for _ in self)

    def clear(self):
        """Does nothing: stack ids in other tables may still name these stacks."""


def _build_id_frames(stack):
    for frame in stack.trace:
        if frame.status in (StackTrace.BPF_STACK_BUILD_ID_EMPTY, StackTrace.BPF_STACK_BUILD_ID_IP):
            return
        yield frame


class QueueStack:
    """`BPF_QUEUE` and `BPF_STACK`; not a mapping."""

    BPF_ANY = 0
    BPF_EXIST = 2

    def __init__(self, bpf, map_id, map_fd, leaftype, name=None):
        self.bpf = bpf
        self.map_id = map_id
        self.map_fd = map_fd
        self.Leaf = leaftype
        self._name = name
        native = self._map = bpf.module.map_by_id(map_id)
        self.ttype = native.type
        self.flags = native.flags
        self.max_entries = native.max_entries

    def get_fd(self):
        """The map's file descriptor, owned by the table's module."""
        return self.map_fd

    def leaf_sprintf(self, leaf):
        """The leaf as text (bytes)."""
        return self._map.leaf_text(leaf)

    def leaf_scanf(self, leaf_str):
        """The leaf that the text `leaf_str` (bytes) spells."""
        return self.Leaf.from_buffer_copy(self._map.leaf_parse(leaf_str))

    def push(self, leaf, flags=0):
        """Adds a leaf; with `QueueStack.BPF_EXIST` a full one drops its oldest."""
        self._map.push(leaf, flags)

    def pop(self):
        """Removes and returns the next leaf; KeyError when empty."""
        leaf = self.Leaf()
        if not self._map.pop(leaf):
            raise KeyError
        return leaf

    def peek(self):
        """Returns the next leaf without removing it; KeyError when empty."""
        leaf = self.Leaf()
        if not self._map.peek(leaf):
            raise KeyError
        return leaf

    def itervalues(self):
        """Generator that pops every leaf."""
        while True:
            try:
                yield self.pop()
            except KeyError:
                return

    def values(self):
        """Pops every leaf; returns them as a list."""
        return list(self.itervalues())
