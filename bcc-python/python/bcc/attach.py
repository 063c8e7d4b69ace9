"""Attaching: names to kernel hooks, and the record of what hangs where.

Every attachment is a native `Link`; the dicts here give each the name that `detach_*` asks for.
"""

import sys

from . import _native
from .enums import BPFAttachType, BPFProgType
from .kernel import KernelMixin
from .probes import ProbeMixin, _count_probes, _get_num_open_probes, _native_links
from .utils import _assert_is_bytes

__all__ = ["AttachMixin", "_get_num_open_probes"]


class AttachMixin(ProbeMixin):
    """`attach_*` and `detach_*` methods of `BPF`."""

    def _init_attached(self):
        self.kprobe_fds = {}
        self.uprobe_fds = {}
        self.tracepoint_fds = {}
        self.raw_tracepoint_fds = {}
        self.btf_tracepoint_fds = {}
        self.kfunc_entry_fds = {}
        self.kfunc_exit_fds = {}
        self.fmod_ret_fds = {}
        self.lsm_fds = {}
        self.struct_ops_fds = {}
        self.perf_event_fds = {}
        # What patterns matched and the kernel refused: functions (bytes), or `path:0xoffset`.
        self.untraceable = []
        # Links whose record a later one for the same event took; they stay attached.
        self._older_links = []

    def _detach_all(self):
        probes = [link for fns in self.kprobe_fds.values() for link in fns.values()]
        probes += self.uprobe_fds.values()
        _count_probes(-len(probes))
        self.kprobe_fds.clear()
        self.uprobe_fds.clear()
        links = [native for probe in probes for native in _native_links(probe)]
        for table in (
            self.tracepoint_fds,
            self.raw_tracepoint_fds,
            self.btf_tracepoint_fds,
            self.kfunc_entry_fds,
            self.kfunc_exit_fds,
            self.lsm_fds,
            self.fmod_ret_fds,
            self.struct_ops_fds,
            self.perf_event_fds,
        ):
            for attached in table.values():
                links += attached if isinstance(attached, list) else [attached]
            table.clear()
        links += [native for old in self._older_links for native in _native_links(old)]
        self._older_links.clear()
        if links:
            _native.detach_links(links)

    # -- tracepoints

    def attach_tracepoint(self, tp=b"", tp_re=b"", fn_name=b""):
        """Attaches `fn_name` to tracepoint `category:event`, or to all that match `tp_re`."""
        tp = _assert_is_bytes(tp)
        tp_re = _assert_is_bytes(tp_re)
        fn_name = _assert_is_bytes(fn_name)
        if tp_re:
            for match in KernelMixin.get_tracepoints(tp_re):
                self.attach_tracepoint(tp=match, fn_name=fn_name)
            return None
        program = self.load_func(fn_name, BPFProgType.TRACEPOINT)
        link = self.module.attach_tracepoint(program.name, tp)
        if tp in self.tracepoint_fds:
            self._older_links.append(self.tracepoint_fds[tp])
        self.tracepoint_fds[tp] = link
        self._attached()
        return self

    def detach_tracepoint(self, tp=b""):
        """Detaches from tracepoint `category:event`."""
        tp = _assert_is_bytes(tp)
        if tp not in self.tracepoint_fds:
            raise Exception("Tracepoint %s is not attached" % tp.decode())
        self.tracepoint_fds.pop(tp).detach()

    def attach_raw_tracepoint(self, tp=b"", fn_name=b""):
        """Attaches `fn_name` to a raw tracepoint by its event's name."""
        tp = _assert_is_bytes(tp)
        if tp in self.raw_tracepoint_fds:
            raise Exception("Raw tracepoint %s has been attached" % tp.decode())
        program = self.load_func(_assert_is_bytes(fn_name), BPFProgType.RAW_TRACEPOINT)
        self.raw_tracepoint_fds[tp] = self.module.attach_raw_tracepoint(program.name, tp)
        self._attached()
        return self

    def detach_raw_tracepoint(self, tp=b""):
        """Detaches from a raw tracepoint."""
        tp = _assert_is_bytes(tp)
        if tp not in self.raw_tracepoint_fds:
            raise Exception("Raw tracepoint %s is not attached" % tp.decode())
        self.raw_tracepoint_fds.pop(tp).detach()

    # -- BTF-typed programs: (prefix, record, program type, attach type, what messages call it)

    def _attach_tracing(self, fn_name, prefix, links, prog_type, attach_type, what):
        fn_name = _add_prefix(prefix, _assert_is_bytes(fn_name))
        if fn_name in links:
            raise Exception("%s %s has been attached" % (what, fn_name.decode()))
        program = self.load_func(fn_name, prog_type, attach_type=attach_type)
        links[fn_name] = self.module.attach_tracing(program.name)
        self._attached()
        return self

    @staticmethod
    def _detach_tracing(fn_name, prefix, links, what):
        fn_name = _add_prefix(prefix, _assert_is_bytes(fn_name))
        if fn_name not in links:
            raise Exception("%s %s is not attached" % (what, fn_name.decode()))
        links.pop(fn_name).detach()

    def attach_btf_tracepoint(self, fn_name=b""):
        """Attaches the program `btf_tracepoint__EVENT` of `BTF_TRACEPOINT_PROBE`; upstream's has none."""
        return self._attach_tracing(
            fn_name,
            b"btf_tracepoint__",
            self.btf_tracepoint_fds,
            BPFProgType.TRACING,
            BPFAttachType.TRACE_RAW_TP,
            "BTF tracepoint",
        )

    def detach_btf_tracepoint(self, fn_name=b""):
        """Detaches the program of a BTF tracepoint."""
        links = self.btf_tracepoint_fds
        self._detach_tracing(fn_name, b"btf_tracepoint__", links, "BTF tracepoint")

    def attach_kfunc(self, fn_name=b""):
        """Attaches the fentry program `kfunc__MODULE__FUNCTION`."""
        return self._attach_tracing(
            fn_name,
            b"kfunc__",
            self.kfunc_entry_fds,
            BPFProgType.TRACING,
            BPFAttachType.TRACE_FENTRY,
            "Kernel entry func",
        )

    def detach_kfunc(self, fn_name=b""):
        """Detaches a fentry program."""
        self._detach_tracing(fn_name, b"kfunc__", self.kfunc_entry_fds, "Kernel entry func")

    def attach_kretfunc(self, fn_name=b""):
        """Attaches the fexit program `kretfunc__MODULE__FUNCTION`."""
        return self._attach_tracing(
            fn_name,
            b"kretfunc__",
            self.kfunc_exit_fds,
            BPFProgType.TRACING,
            BPFAttachType.TRACE_FEXIT,
            "Kernel exit func",
        )

    def detach_kretfunc(self, fn_name=b""):
        """Detaches a fexit program."""
        self._detach_tracing(fn_name, b"kretfunc__", self.kfunc_exit_fds, "Kernel exit func")

    def attach_fmod_ret(self, fn_name=b""):
        """Attaches the fmod_ret program `kmod_ret__FUNCTION`."""
        return self._attach_tracing(
            fn_name,
            b"kmod_ret__",
            self.fmod_ret_fds,
            BPFProgType.TRACING,
            BPFAttachType.MODIFY_RETURN,
            "Fmod_ret",
        )

    def detach_fmod_ret(self, fn_name=b""):
        """Detaches a fmod_ret program."""
        self._detach_tracing(fn_name, b"kmod_ret__", self.fmod_ret_fds, "Fmod_ret")

    def attach_lsm(self, fn_name=b""):
        """Attaches the LSM program `lsm__HOOK`."""
        return self._attach_tracing(
            fn_name, b"lsm__", self.lsm_fds, BPFProgType.LSM, BPFAttachType.LSM_MAC, "LSM"
        )

    def detach_lsm(self, fn_name=b""):
        """Detaches an LSM program."""
        self._detach_tracing(fn_name, b"lsm__", self.lsm_fds, "LSM")

    def attach_struct_ops(self, name, values=None):
        """Registers the programs of `BPF_STRUCT_OPS(name, ...)` with the kernel, in place of its own.

        `values` gives members of the struct that hold data, by name: bytes, str or int. This is the
        package's own; upstream's has no such name. Before Linux 6.4 it stays when the process is killed.
        """
        name = _assert_is_bytes(name)
        if name in self.struct_ops_fds:
            raise Exception("Struct %s has been attached" % name.decode())
        members = [(_as_bytes(member), _as_bytes(value)) for member, value in (values or {}).items()]
        self.struct_ops_fds[name] = self.module.attach_struct_ops(name, members)
        self._attached()
        return self

    def detach_struct_ops(self, name):
        """Takes the programs of a struct out of the kernel; who uses them already keeps them."""
        name = _assert_is_bytes(name)
        if name not in self.struct_ops_fds:
            raise Exception("Struct %s is not attached" % name.decode())
        self.struct_ops_fds.pop(name).detach()

    # -- sockets, interfaces, cgroups

    @staticmethod
    def attach_func(fn, attachable_fd, attach_type, flags=0):
        """Attaches a loaded program to a cgroup's, socket map's or other object's fd."""
        _check_function(fn)
        _native.prog_attach(fn.fd, attachable_fd, attach_type, flags)

    @staticmethod
    def detach_func(fn, attachable_fd, attach_type):
        """Undoes `attach_func`."""
        _check_function(fn)
        _native.prog_detach(fn.fd, attachable_fd, attach_type)

    @staticmethod
    def attach_raw_socket(fn, dev):
        """Opens a packet socket on interface `dev` with the filter `fn`; its fd is `fn.sock`."""
        _check_function(fn)
        fn.sock = _native.open_raw_socket(_assert_is_bytes(dev), fn.fd)
        return fn

    @staticmethod
    def attach_xdp(dev, fn, flags=0):
        """Puts an XDP program on interface `dev`; it stays until `remove_xdp`."""
        _check_function(fn)
        _native.attach_xdp(_assert_is_bytes(dev), fn.fd, flags)

    @staticmethod
    def remove_xdp(dev, flags=0):
        """Takes the XDP program off interface `dev`."""
        _native.attach_xdp(_assert_is_bytes(dev), -1, flags)

    # -- perf events

    def attach_perf_event(
        self,
        ev_type=-1,
        ev_config=-1,
        fn_name=b"",
        sample_period=0,
        sample_freq=0,
        pid=-1,
        cpu=-1,
        group_fd=-1,
    ):
        """Runs `fn_name` on samples of a perf event, on every online CPU or on `cpu`."""
        program = self.load_func(_assert_is_bytes(fn_name), BPFProgType.PERF_EVENT)
        links = self.module.attach_perf_event(
            program.name, ev_type, ev_config, sample_period, sample_freq, pid, cpu, group_fd
        )
        self.perf_event_fds[(ev_type, ev_config)] = links
        self._attached()

    def attach_perf_event_raw(self, attr=None, fn_name=b"", pid=-1, cpu=-1, group_fd=-1):
        """Runs `fn_name` on samples of the event a `Perf.perf_event_attr` describes."""
        program = self.load_func(_assert_is_bytes(fn_name), BPFProgType.PERF_EVENT)
        links = self.module.attach_perf_event_raw(program.name, bytes(attr), pid, cpu, group_fd)
        self.perf_event_fds[(attr.type, attr.config)] = links
        self._attached()

    def detach_perf_event(self, ev_type=-1, ev_config=-1):
        """Closes a perf event on all CPUs."""
        links = self.perf_event_fds.pop((ev_type, ev_config), None)
        if links is None:
            raise Exception("Perf event type %d config %d is not attached" % (ev_type, ev_config))
        _detach(links)

    # -- by function name

    def _trace_autoload(self):
        for name in self.module.functions():
            prefix, target = self.module.named_target(name) or (None, None)
            if prefix in _AUTOLOAD:
                _AUTOLOAD[prefix](self, name, target)


_AUTOLOAD = {
    b"kprobe__": lambda b, fn, target: b.attach_kprobe(
        event=b.fix_syscall_fnname(target), fn_name=fn
    ),
    b"kretprobe__": lambda b, fn, target: b.attach_kretprobe(
        event=b.fix_syscall_fnname(target), fn_name=fn
    ),
    b"tracepoint__": lambda b, fn, target: b.attach_tracepoint(
        tp=target.replace(b"__", b":"), fn_name=fn
    ),
    b"raw_tracepoint__": lambda b, fn, target: b.attach_raw_tracepoint(tp=target, fn_name=fn),
    b"btf_tracepoint__": lambda b, fn, _: b.attach_btf_tracepoint(fn_name=fn),
    b"kfunc__": lambda b, fn, _: b.attach_kfunc(fn_name=fn),
    b"kretfunc__": lambda b, fn, _: b.attach_kretfunc(fn_name=fn),
    b"lsm__": lambda b, fn, _: b.attach_lsm(fn_name=fn),
}


def _add_prefix(prefix, name):
    return name if name.startswith(prefix) else prefix + name


def _as_bytes(value):
    """Text or a number as the bytes that a member of a struct holds."""
    if isinstance(value, int):
        return value.to_bytes(8, sys.byteorder)
    return value if isinstance(value, bytes) else value.encode()


def _detach(links):
    for link in links if isinstance(links, list) else [links]:
        link.detach()


def _check_function(fn):
    from .bpf import _Function

    if not isinstance(fn, _Function):
        raise Exception("arg 1 must be of type BPF.Function")
