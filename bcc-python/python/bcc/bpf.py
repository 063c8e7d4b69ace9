"""`BPF`: one compiled module, what it has attached, and its tables."""

import atexit
import os
import sys

from . import _native
from .attach import AttachMixin
from .enums import (
    DEBUG_BPF,
    DEBUG_BPF_REGISTER_STATE,
    DEBUG_BTF,
    DEBUG_LLVM_IR,
    DEBUG_PREPROCESSOR,
    DEBUG_SOURCE,
    BPFProgType,
    XDPAction,
    XDPFlags,
)
from .interrupt import Uninterrupted, end_by_sigint
from .kernel import KernelMixin
from .symbols import SymbolMixin
from .tracepipe import TracePipeMixin
from .utils import _assert_is_bytes

# Modules with anything attached live until `cleanup()` or the interpreter's end.
_live: dict[int, "BPF"] = {}


def _cleanup_all():
    try:
        with Uninterrupted():
            for bpf in list(_live.values()):
                bpf.cleanup()
    except KeyboardInterrupt:
        # Nobody is left to catch it.
        end_by_sigint()


# Handlers run last in, first out: those of scripts, who may detach what they attached, come before.
atexit.register(_cleanup_all)


class _Function:
    """A loaded program: `bpf`, `name` (bytes), `fd` (int)."""

    def __init__(self, bpf, name, fd):
        self.bpf = bpf
        self.name = name
        self.fd = fd

    # What follows is this package's own; upstream's has no such names.

    def info(self):
        """What the kernel says of the program, as a dict: id, name, tag, map_ids, run_cnt, ..."""
        return _native.program_info(self.fd)

    def pin(self, path):
        """Pins the program to `path`, below a bpffs."""
        _native.pin(self.fd, os.fsencode(path))

    def test_run(self, data=b"", ctx=b"", repeat=1):
        """Runs the program on a packet or context: (result, data, context, nanoseconds per run).

        Raises OSError for program types that the kernel does not run so.
        """
        return _native.test_run(self.fd, bytes(data), bytes(ctx), repeat)

    def attach_tc(self, dev, direction="ingress", priority=0, clsact=None):
        """Puts a `SCHED_CLS` program on one side of interface `dev`.

        By a tcx link where the kernel has it (or with `clsact` true, by a filter of the clsact qdisc,
        made when there is none). Returns a link with `detach()`; a tcx link also ends with that object.
        """
        if clsact is None:
            clsact = not _native.supports("tcx")
        name = self.name.decode()
        return _native.attach_tc(self.fd, os.fsdecode(dev), direction, name, priority, clsact)

    def attach_xdp_link(self, dev, flags=0):
        """Puts an XDP program on interface `dev` for as long as the returned link lives."""
        return _native.attach_xdp_link(self.fd, os.fsdecode(dev), flags)

    def attach_netfilter(self, hook="local_in", family="ipv4", priority=0, defragment=False):
        """Puts a netfilter program on a hook for as long as the returned link lives.

        `hook` is `pre_routing`, `local_in`, `forward`, `local_out` or `post_routing`. Linux 6.4.
        """
        return _native.attach_netfilter(self.fd, family, hook, priority, defragment)

    def open_iterator(self):
        """Runs an iterator program (`BPF_ITER`): a binary file of what it writes."""
        return os.fdopen(_native.open_iterator(self.fd), "rb")


class _Lazy:
    """A class attribute that lives in another module, which is imported on first use."""

    def __init__(self, module, wrap=None):
        self._module = module
        self._wrap = wrap

    def __set_name__(self, owner, name):
        self._name = name

    def __get__(self, instance, owner):
        value = getattr(__import__(__package__ + self._module, fromlist=[self._name]), self._name)
        setattr(BPF, self._name, self._wrap(value) if self._wrap else value)
        return value


def _find_file(filename):
    """`filename` as given, or beside the running script."""
    if not filename or os.path.isfile(filename):
        return filename
    beside = os.path.join(os.path.abspath(os.path.dirname(os.fsencode(sys.argv[0]))), filename)
    if os.path.isfile(beside):
        return beside
    raise Exception("Could not find file %s" % os.fsdecode(filename))


class BPF(TracePipeMixin, AttachMixin, SymbolMixin, KernelMixin):
    """Compiles C text, loads it into the kernel and attaches what its function names say.

    `text` (str or bytes) or `src_file` (a path) is the program; `debug` is an or of `DEBUG_*`;
    `cflags` are compiler arguments; `usdt_contexts` are `bcc.USDT` objects with enabled probes;
    `allow_rlimit` lets the library raise the memlock limit; `device` names the interface programs
    and maps are offloaded to; `attach_usdt_ignore_pid` attaches USDT probes to all processes;
    `kernel_source` (this package's own) is a directory of kernel headers to use instead of BTF.

    Raises `BPFError` (an `Exception`) when the text does not compile or an automatic attach fails.
    """

    SOCKET_FILTER = BPFProgType.SOCKET_FILTER
    KPROBE = BPFProgType.KPROBE
    SCHED_CLS = BPFProgType.SCHED_CLS
    SCHED_ACT = BPFProgType.SCHED_ACT
    TRACEPOINT = BPFProgType.TRACEPOINT
    XDP = BPFProgType.XDP
    PERF_EVENT = BPFProgType.PERF_EVENT
    CGROUP_SKB = BPFProgType.CGROUP_SKB
    CGROUP_SOCK = BPFProgType.CGROUP_SOCK
    LWT_IN = BPFProgType.LWT_IN
    LWT_OUT = BPFProgType.LWT_OUT
    LWT_XMIT = BPFProgType.LWT_XMIT
    SOCK_OPS = BPFProgType.SOCK_OPS
    SK_SKB = BPFProgType.SK_SKB
    CGROUP_DEVICE = BPFProgType.CGROUP_DEVICE
    SK_MSG = BPFProgType.SK_MSG
    RAW_TRACEPOINT = BPFProgType.RAW_TRACEPOINT
    CGROUP_SOCK_ADDR = BPFProgType.CGROUP_SOCK_ADDR
    TRACING = BPFProgType.TRACING
    LSM = BPFProgType.LSM

    XDP_ABORTED = XDPAction.XDP_ABORTED
    XDP_DROP = XDPAction.XDP_DROP
    XDP_PASS = XDPAction.XDP_PASS
    XDP_TX = XDPAction.XDP_TX
    XDP_REDIRECT = XDPAction.XDP_REDIRECT

    XDP_FLAGS_UPDATE_IF_NOEXIST = XDPFlags.UPDATE_IF_NOEXIST
    XDP_FLAGS_SKB_MODE = XDPFlags.SKB_MODE
    XDP_FLAGS_DRV_MODE = XDPFlags.DRV_MODE
    XDP_FLAGS_HW_MODE = XDPFlags.HW_MODE
    XDP_FLAGS_REPLACE = XDPFlags.REPLACE

    CLOCK_MONOTONIC = 1

    DEBUG_LLVM_IR = DEBUG_LLVM_IR
    DEBUG_BPF = DEBUG_BPF
    DEBUG_PREPROCESSOR = DEBUG_PREPROCESSOR
    DEBUG_SOURCE = DEBUG_SOURCE
    DEBUG_BPF_REGISTER_STATE = DEBUG_BPF_REGISTER_STATE
    DEBUG_BTF = DEBUG_BTF

    Function = _Function
    Table = _Lazy(".table", staticmethod)
    str2ctype = _Lazy(".ctype")
    timespec = _Lazy(".ctype")

    def __init__(
        self,
        src_file=b"",
        hdr_file=b"",
        text=None,
        debug=0,
        cflags=[],  # noqa: B006 - upstream's signature; it is never changed
        usdt_contexts=[],  # noqa: B006
        allow_rlimit=True,
        device=None,
        attach_usdt_ignore_pid=False,
        kernel_source=None,
    ):
        src_file = _assert_is_bytes(src_file)
        hdr_file = _assert_is_bytes(hdr_file)
        text = _assert_is_bytes(text)
        assert not (text and src_file)
        if text is None and not src_file:
            raise Exception("BPF() needs the program: text=... or src_file=...")
        self.module = None
        self._init_attached()
        self.debug = debug
        self.funcs = {}
        self.tables = {}
        if isinstance(cflags, (str, bytes)):
            raise TypeError("cflags is a list of arguments, not one text")
        _find_file(hdr_file)
        if text is not None:
            name, source = None, text
        else:
            name = _find_file(src_file)
            source = None
        self.module = _native.Module(
            text=source,
            file=name,
            cflags=[flag if isinstance(flag, bytes) else os.fsencode(str(flag)) for flag in cflags],
            debug=debug,
            usdts=[context._native_context() for context in usdt_contexts],
            allow_rlimit=bool(allow_rlimit),
            device=_assert_is_bytes(device),
            kernel_source=None if kernel_source is None else os.fsencode(kernel_source),
        )
        try:
            for context in usdt_contexts:
                context.attach_uprobes(self, attach_usdt_ignore_pid)
            self._trace_autoload()
        except BaseException:
            self.cleanup()
            raise

    def _opened(self):
        if self.module is None:
            raise _native.BPFError("this BPF object was cleaned up")
        return self.module

    # -- programs

    def load_funcs(self, prog_type=BPFProgType.KPROBE):
        """Loads every function of the module as `prog_type`; returns the `BPF.Function` objects."""
        return [self.load_func(name, prog_type) for name in self._opened().functions()]

    def load_func(self, func_name, prog_type, device=None, attach_type=-1):
        """Loads one function; a second call returns the first call's `BPF.Function`."""
        func_name = _assert_is_bytes(func_name)
        loaded = self.funcs.get(func_name)
        if loaded is None:
            fd = self._opened().load(func_name, prog_type, _assert_is_bytes(device), attach_type)
            loaded = self.funcs[func_name] = BPF.Function(self, func_name, fd)
        return loaded

    def dump_func(self, func_name):
        """The function's instructions as bytes, map fds filled in."""
        return self._opened().dump(_assert_is_bytes(func_name))

    def disassemble_func(self, func_name):
        """The function's instructions as text."""
        from .disassembler import disassemble_prog

        func_name = _assert_is_bytes(func_name)
        return disassemble_prog(func_name, self.dump_func(func_name))

    # -- tables

    def get_table(self, name, keytype=None, leaftype=None, reducer=None):
        """The table named `name`; `keytype` and `leaftype` replace the ctypes classes of its C types.

        `reducer` folds the per-CPU values of a per-CPU table. Raises KeyError for an unknown name.
        """
        name = _assert_is_bytes(name)
        found = self._opened().map(name)
        if found is None:
            raise KeyError(os.fsdecode(name))
        from .ctype import class_of

        if keytype is None:
            keytype = class_of(found.key_type)
        if leaftype is None:
            leaftype = class_of(found.leaf_type)
        return BPF.Table(self, found.id, found.fd, keytype, leaftype, name, reducer=reducer)

    def decode_table(self, table_name, sizeinfo=False):
        """The layout of a table's key and leaf as text."""
        from .disassembler import decode_map

        table = self.get_table(table_name)
        return decode_map(table_name, table, table.ttype, sizeinfo)

    def __getitem__(self, key):
        if key not in self.tables:
            self.tables[key] = self.get_table(key)
        return self.tables[key]

    def __setitem__(self, key, leaf):
        self.tables[key] = leaf

    def __len__(self):
        return len(self.tables)

    def __delitem__(self, key):
        del self.tables[key]

    def __iter__(self):
        return iter(self.tables)

    # -- events

    def perf_buffer_poll(self, timeout=-1):
        """Waits up to `timeout` ms (-1: for ever) for perf buffers' events and calls the callbacks."""
        self._opened().perf_poll(timeout)

    def perf_buffer_consume(self):
        """Calls the callbacks for what the perf buffers hold, without waiting."""
        self._opened().perf_consume()

    def kprobe_poll(self, timeout=-1):
        """Old name of `perf_buffer_poll`."""
        self.perf_buffer_poll(timeout)

    def ring_buffer_poll(self, timeout=-1):
        """Waits up to `timeout` ms (-1: for ever) for ring buffers' events and calls the callbacks."""
        self._opened().ring_poll(timeout)

    def ring_buffer_consume(self):
        """Calls the callbacks for what the ring buffers hold, without waiting."""
        self._opened().ring_consume()

    def free_bcc_memory(self):
        """Gives the compiler's memory back; it lives in a process of its own, so this is 0."""
        return 0

    # -- lifetime

    def _attached(self):
        _live[id(self)] = self

    def close(self):
        """Closes the programs and the module; what is attached stays attached."""
        for name in list(self.funcs):
            del self.funcs[name]
        if self.module is not None:
            self.module.close()

    def cleanup(self):
        """Detaches everything but XDP, raw sockets and `attach_func`, then closes the module.

        Ctrl-C waits until this is done.
        """
        with Uninterrupted():
            self._clean_up()

    def _clean_up(self):
        self._detach_all()
        for name, table in list(self.tables.items()):
            if type(table).__name__ == "PerfEventArray":
                del self.tables[name]
        self._close_trace()
        if self.module is not None:
            self.module.close_perf()
            self.close()
            self.module.close_rings()
            self.module = None
        # Tables that nobody holds give their maps back now.
        self.tables.clear()
        _live.pop(id(self), None)

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self.cleanup()
