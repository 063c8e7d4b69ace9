"""Attaching: names to kernel hooks, and the record of what hangs where.

Every attachment is a native `Link`; the dicts here give each the name that `detach_*` asks for.
"""

import os

from . import _native
from ._native import AttachError
from .enums import BPFAttachType, BPFProgType
from .kernel import KernelMixin, _matching
from .utils import _assert_is_bytes

_PROBE_LIMIT = 1000

# Kernel and user probes attached by all modules of this process.
_num_open_probes = 0


def _get_num_open_probes():
    return _num_open_probes


def _count_probes(change):
    global _num_open_probes
    _num_open_probes += change


class _Shared:
    """Many places behind one native link, which only ends as a whole."""

    def __init__(self, targets, links, attach):
        self.targets = dict.fromkeys(targets)
        self.links = links
        self._attach = attach

    def drop(self, target):
        """Detaches one place: the others are attached anew before the common link ends."""
        if self.targets.pop(target, self) is self:
            return
        old = self.links
        self.links = self._attach(list(self.targets))[0] if self.targets else []
        _native.detach_links(old)


class _Member:
    """One place of a `_Shared`, with the face of a native link."""

    def __init__(self, shared, target):
        self.shared = shared
        self.target = target

    def detach(self):
        self.shared.drop(self.target)


def _native_links(link):
    """The native links that an attachment of a module under destruction is held by."""
    if not isinstance(link, _Member):
        return [link]
    links, link.shared.links = link.shared.links, []
    link.shared.targets.clear()
    return links


def _attach_many(targets, attach, refused):
    """Pairs of target and link, of those that `attach` (-> links, refused positions) could attach.

    The others are added to the list `refused`.
    """
    links, positions = attach(targets)
    if positions:
        refused += [targets[i] for i in positions]
        positions = set(positions)
        targets = [target for i, target in enumerate(targets) if i not in positions]
    if len(links) == len(targets):
        return list(zip(targets, links))
    shared = _Shared(targets, links, attach)
    return [(target, _Member(shared, target)) for target in targets]


class AttachMixin:
    """`attach_*` and `detach_*` methods of `BPF`."""

    def _init_attached(self):
        self.kprobe_fds = {}
        self.uprobe_fds = {}
        self.tracepoint_fds = {}
        self.raw_tracepoint_fds = {}
        self.kfunc_entry_fds = {}
        self.kfunc_exit_fds = {}
        self.fmod_ret_fds = {}
        self.lsm_fds = {}
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
            self.kfunc_entry_fds,
            self.kfunc_exit_fds,
            self.lsm_fds,
            self.fmod_ret_fds,
            self.perf_event_fds,
        ):
            for attached in table.values():
                links += attached if isinstance(attached, list) else [attached]
            table.clear()
        links += [native for old in self._older_links for native in _native_links(old)]
        self._older_links.clear()
        if links:
            _native.detach_links(links)

    # -- quota

    @staticmethod
    def get_probe_limit():
        """How many probes one process may attach (`BCC_PROBE_LIMIT`, 1000)."""
        limit = os.environ.get("BCC_PROBE_LIMIT")
        return int(limit) if limit and limit.isdigit() else _PROBE_LIMIT

    def _check_probe_quota(self, num_new_probes):
        if _num_open_probes + num_new_probes > AttachMixin.get_probe_limit():
            raise Exception("Number of open probes would exceed global quota")

    def num_open_kprobes(self):
        """Number of kernel probe events of this module."""
        return len(self.kprobe_fds)

    def num_open_uprobes(self):
        """Number of user probe events of this module."""
        return len(self.uprobe_fds)

    def num_open_tracepoints(self):
        """Number of tracepoints of this module."""
        return len(self.tracepoint_fds)

    def _record(self, table, event, fn_name, link):
        table.setdefault(event, {})[fn_name] = link
        _count_probes(1)
        self._attached()

    # -- kernel probes

    def attach_kprobe(self, event=b"", event_off=0, fn_name=b"", event_re=b""):
        """Attaches `fn_name` to the entry of kernel function `event`, or of all that match `event_re`.

        Returns the object for a single function, None for a pattern. Raises AttachError when the
        function can't be traced; with a pattern, only when none can: those left out are added to
        the list `untraceable`.
        """
        event = _assert_is_bytes(event)
        fn_name = _assert_is_bytes(fn_name)
        event_re = _assert_is_bytes(event_re)
        if event_re:
            matches = sorted(KernelMixin.get_kprobe_functions(event_re))
            self._check_probe_quota(len(matches))
            self._attach_kprobes(b"p", matches, fn_name, event_re)
            return None
        self._check_probe_quota(1)
        program = self.load_func(fn_name, BPFProgType.KPROBE)
        link = self.module.attach_kprobe(program.name, event, event_off, False, 0)
        self._record(self.kprobe_fds, _kprobe_event(b"p", event), fn_name, link)
        return self

    def attach_kretprobe(self, event=b"", fn_name=b"", event_re=b"", maxactive=0):
        """Attaches `fn_name` to the return of kernel function `event`, or of all that match `event_re`.

        `maxactive` limits how many calls are followed at once (0: the kernel's choice).
        """
        event = _assert_is_bytes(event)
        fn_name = _assert_is_bytes(fn_name)
        event_re = _assert_is_bytes(event_re)
        if event_re:
            matches = sorted(KernelMixin.get_kprobe_functions(event_re))
            if maxactive:
                self._attach_kretprobes_singly(matches, fn_name, event_re, maxactive)
            else:
                # Past the quota, functions fail one by one; all do when there is no room at all.
                room = AttachMixin.get_probe_limit() - _num_open_probes
                self._attach_kprobes(b"r", matches[: max(room, 0)], fn_name, event_re)
            return None
        self._check_probe_quota(1)
        program = self.load_func(fn_name, BPFProgType.KPROBE)
        link = self.module.attach_kprobe(program.name, event, 0, True, maxactive)
        self._record(self.kprobe_fds, _kprobe_event(b"r", event), fn_name, link)
        return self

    def _attach_kprobes(self, prefix, functions, fn_name, pattern):
        """One program on many functions; those that can't be traced are left out, but not all."""
        if not functions:
            raise _untraceable(fn_name, prefix, pattern)
        program = self.load_func(fn_name, BPFProgType.KPROBE)

        def attach(wanted):
            return self.module.attach_kprobes(program.name, wanted, prefix == b"r")

        try:
            made = _attach_many(functions, attach, self.untraceable)
        except AttachError as error:
            raise _untraceable(fn_name, prefix, pattern) from error
        for function, link in made:
            self._record(self.kprobe_fds, _kprobe_event(prefix, function), fn_name, link)

    def _attach_kretprobes_singly(self, functions, fn_name, pattern, maxactive):
        failed = 0
        for name in functions:
            try:
                self.attach_kretprobe(event=name, fn_name=fn_name, maxactive=maxactive)
            except AttachError:
                failed += 1
        if failed == len(functions):
            raise _untraceable(fn_name, b"r", pattern)

    def detach_kprobe(self, event, fn_name=None):
        """Detaches one function from a kernel function's entry, or all of this module's."""
        self._detach_probe(_kprobe_event(b"p", _assert_is_bytes(event)), fn_name)

    def detach_kretprobe(self, event, fn_name=None):
        """Detaches one function from a kernel function's return, or all of this module's."""
        self._detach_probe(_kprobe_event(b"r", _assert_is_bytes(event)), fn_name)

    def _detach_probe(self, ev_name, fn_name):
        if fn_name:
            self.detach_kprobe_event_by_fn(ev_name, _assert_is_bytes(fn_name))
        else:
            self.detach_kprobe_event(ev_name)

    def detach_kprobe_event(self, ev_name):
        """Detaches all functions of an event (`p_NAME` or `r_NAME`); KeyError when unknown."""
        ev_name = _assert_is_bytes(ev_name)
        for fn_name in list(self.kprobe_fds[ev_name]):
            self.detach_kprobe_event_by_fn(ev_name, fn_name)
        del self.kprobe_fds[ev_name]

    def detach_kprobe_event_by_fn(self, ev_name, fn_name):
        """Detaches one function from an event (`p_NAME` or `r_NAME`)."""
        ev_name = _assert_is_bytes(ev_name)
        fn_name = _assert_is_bytes(fn_name)
        links = self.kprobe_fds.get(ev_name, {})
        if fn_name not in links:
            raise Exception(
                "Kprobe %s is not attached with function %s" % (ev_name.decode(), fn_name.decode())
            )
        links.pop(fn_name).detach()
        _count_probes(-1)

    # -- user probes

    @staticmethod
    def _check_path_symbol(module, symname, addr, pid, sym_off=0):
        return _native.resolve_symbol(
            _assert_is_bytes(module), _assert_is_bytes(symname), addr, pid, sym_off
        )

    @staticmethod
    def _get_uprobe_evname(prefix, path, addr, pid):
        base = os.path.basename(path)
        base = bytes(byte if bytes((byte,)).isalnum() else 0x5F for byte in base)
        name = b"%s_%s_0x%x" % (prefix, base, addr)
        return name if pid == -1 else b"%s_%d" % (name, pid)

    def attach_uprobe(
        self, name=b"", sym=b"", sym_re=b"", addr=None, fn_name=b"", pid=-1, sym_off=0
    ):
        """Attaches `fn_name` to a function of a library (`c`) or executable (its path).

        The function is named by `sym` (plus `sym_off` bytes), by `addr` (as the file numbers it)
        or by the pattern `sym_re`; `pid` limits it to one process. Of a function that is chosen when
        a program is linked (IFUNC: `strlen`) it is the implementation that processes use.
        """
        self._attach_uprobe(b"p", name, sym, sym_re, addr, fn_name, pid, sym_off)

    def attach_uretprobe(self, name=b"", sym=b"", sym_re=b"", addr=None, fn_name=b"", pid=-1):
        """Attaches `fn_name` to returns; arguments as `attach_uprobe`."""
        self._attach_uprobe(b"r", name, sym, sym_re, addr, fn_name, pid, 0)

    def _attach_uprobe(self, prefix, name, sym, sym_re, addr, fn_name, pid, sym_off):
        assert sym_off >= 0
        assert addr is None or sym_off == 0, "offset with addr is not supported"
        name = _assert_is_bytes(name)
        sym_re = _assert_is_bytes(sym_re)
        fn_name = _assert_is_bytes(fn_name)
        if sym_re:
            module = _native.UserModule(name, pid)
            addresses = sorted({address for _, address in _matching(module, sym_re)})
            path, offsets = module.places(addresses)
            self._check_probe_quota(len(offsets))
            self._attach_uprobes(prefix, path, offsets, fn_name, pid)
            return
        path, offset = self._check_path_symbol(name, sym, addr, pid, sym_off)
        self._check_probe_quota(1)
        program = self.load_func(fn_name, BPFProgType.KPROBE)
        self._attach_uprobe_at(prefix, path, offset, program, pid)

    def _attach_uprobes(self, prefix, path, offsets, fn_name, pid):
        """One program on many places of a file."""
        if not offsets:
            return
        program = self.load_func(fn_name, BPFProgType.KPROBE)

        def attach(wanted):
            return self.module.attach_uprobes(program.name, path, wanted, prefix == b"r", pid)

        refused = []
        made = _attach_many(offsets, attach, refused)
        self.untraceable += [b"%s:0x%x" % (path, offset) for offset in refused]
        for offset, link in made:
            self._record_uprobe(self._get_uprobe_evname(prefix, path, offset, pid), link)

    def _attach_uprobe_at(self, prefix, path, offset, program, pid, ref_ctr_offset=0):
        link = self.module.attach_uprobe(
            program.name, path, offset, prefix == b"r", pid, ref_ctr_offset
        )
        self._record_uprobe(self._get_uprobe_evname(prefix, path, offset, pid), link)

    def _record_uprobe(self, event, link):
        old = self.uprobe_fds.pop(event, None)
        if old:
            self._older_links.append(old)
        self.uprobe_fds[event] = link
        _count_probes(0 if old else 1)
        self._attached()

    def _attach_usdt(self, path, offset, fn_name, pid, semaphore):
        self._check_probe_quota(1)
        program = self.load_func(fn_name, BPFProgType.KPROBE)
        self._attach_uprobe_at(b"p", path, offset, program, pid, semaphore)

    def detach_uprobe(self, name=b"", sym=b"", addr=None, pid=-1, sym_off=0):
        """Detaches what `attach_uprobe` with the same values attached."""
        path, offset = self._check_path_symbol(name, sym, addr, pid, sym_off)
        self.detach_uprobe_event(self._get_uprobe_evname(b"p", path, offset, pid))

    def detach_uretprobe(self, name=b"", sym=b"", addr=None, pid=-1):
        """Detaches what `attach_uretprobe` with the same values attached."""
        path, offset = self._check_path_symbol(name, sym, addr, pid)
        self.detach_uprobe_event(self._get_uprobe_evname(b"r", path, offset, pid))

    def detach_uprobe_event(self, ev_name):
        """Detaches a user probe by its event's name."""
        if ev_name not in self.uprobe_fds:
            raise Exception("Uprobe %s is not attached" % os.fsdecode(ev_name))
        self.uprobe_fds.pop(ev_name).detach()
        _count_probes(-1)

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
    b"kfunc__": lambda b, fn, _: b.attach_kfunc(fn_name=fn),
    b"kretfunc__": lambda b, fn, _: b.attach_kretfunc(fn_name=fn),
    b"lsm__": lambda b, fn, _: b.attach_lsm(fn_name=fn),
}


def _kprobe_event(prefix, event):
    return prefix + b"_" + event.replace(b"+", b"_").replace(b".", b"_")


def _untraceable(fn_name, prefix, pattern):
    return AttachError(
        "Failed to attach BPF program %s to %s %s, it's not traceable (either non-existing,"
        ' inlined, or marked as "notrace")'
        % (
            fn_name.decode(),
            "kretprobe" if prefix == b"r" else "kprobe",
            pattern.decode(errors="replace"),
        )
    )


def _add_prefix(prefix, name):
    return name if name.startswith(prefix) else prefix + name


def _detach(links):
    for link in links if isinstance(links, list) else [links]:
        link.detach()


def _check_function(fn):
    from .bpf import _Function

    if not isinstance(fn, _Function):
        raise Exception("arg 1 must be of type BPF.Function")
