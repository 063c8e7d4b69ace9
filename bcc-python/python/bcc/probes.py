"""Kernel and user probes: by name, by address, by pattern; and how many there may be."""

import os

from . import _native
from ._native import AttachError
from .enums import BPFProgType
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


class ProbeMixin:
    """`attach_*` and `detach_*` methods of `BPF` for kprobes and uprobes."""

    # -- quota

    @staticmethod
    def get_probe_limit():
        """How many probes one process may attach (`BCC_PROBE_LIMIT`, 1000)."""
        limit = os.environ.get("BCC_PROBE_LIMIT")
        return int(limit) if limit and limit.isdigit() else _PROBE_LIMIT

    def _check_probe_quota(self, num_new_probes):
        if _num_open_probes + num_new_probes > ProbeMixin.get_probe_limit():
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
                room = ProbeMixin.get_probe_limit() - _num_open_probes
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
