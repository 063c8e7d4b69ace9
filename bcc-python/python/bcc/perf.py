"""`perf_event_attr` as ctypes, and raw perf events."""

import ctypes as ct

from .enums import PerfEventSampleFormat, PerfType


class _Period(ct.Union):
    _fields_ = [("sample_period", ct.c_uint64), ("sample_freq", ct.c_uint64)]


class _Wakeup(ct.Union):
    _fields_ = [("wakeup_events", ct.c_uint32), ("wakeup_watermark", ct.c_uint32)]


class _Config1(ct.Union):
    _fields_ = [
        ("bp_addr", ct.c_uint64),
        ("kprobe_func", ct.c_uint64),
        ("uprobe_path", ct.c_uint64),
        ("config1", ct.c_uint64),
    ]


class _Config2(ct.Union):
    _fields_ = [
        ("bp_len", ct.c_uint64),
        ("kprobe_addr", ct.c_uint64),
        ("probe_offset", ct.c_uint64),
        ("config2", ct.c_uint64),
    ]


# One bit each, from bit 0 of the flag word on; `precise_ip` has two.
_BITS = (
    "disabled inherit pinned exclusive exclude_user exclude_kernel exclude_hv exclude_idle mmap comm"
    " freq inherit_stat enable_on_exec task watermark precise_ip:2 mmap_data sample_id_all"
    " exclude_host exclude_guest exclude_callchain_kernel exclude_callchain_user mmap2 comm_exec"
    " use_clockid context_switch write_backward namespaces ksymbol bpf_event aux_output cgroup"
    " text_poke build_id inherit_thread remove_on_exec sigtrap"
)


class _FlagBits(ct.Structure):
    _fields_ = [
        (name, ct.c_uint64, int(width or 1))
        for name, _, width in (word.partition(":") for word in _BITS.split())
    ]


class _Flags(ct.Union):
    _anonymous_ = ["_bits"]
    _fields_ = [("_bits", _FlagBits), ("flags", ct.c_uint64)]


class _PerfEventAttr(ct.Structure):
    """The first 120 bytes of the kernel's `struct perf_event_attr`."""

    _anonymous_ = ["_period", "_flags", "_wakeup", "_config1", "_config2"]
    _fields_ = [
        ("type", ct.c_uint32),
        ("size", ct.c_uint32),
        ("config", ct.c_uint64),
        ("_period", _Period),
        ("sample_type", ct.c_uint64),
        ("read_format", ct.c_uint64),
        ("_flags", _Flags),
        ("_wakeup", _Wakeup),
        ("bp_type", ct.c_uint32),
        ("_config1", _Config1),
        ("_config2", _Config2),
        ("branch_sample_type", ct.c_uint64),
        ("sample_regs_user", ct.c_uint64),
        ("sample_stack_user", ct.c_uint32),
        ("clockid", ct.c_int32),
        ("sample_regs_intr", ct.c_uint64),
        ("aux_watermark", ct.c_uint32),
        ("sample_max_stack", ct.c_uint16),
        ("__reserved_2", ct.c_uint16),
        ("aux_sample_size", ct.c_uint32),
        ("__reserved_3", ct.c_uint32),
    ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.size == 0:
            self.size = ct.sizeof(self)

    def __setattr__(self, key, value):
        if not hasattr(self, key):
            import warnings

            warnings.warn(f"perf_event_attr has no attribute {key!r}: it is set on the object only", stacklevel=2)
        super().__setattr__(key, value)


class Perf:
    """Raw perf events, one per online CPU."""

    perf_event_attr = _PerfEventAttr

    NR_PERF_EVENT_OPEN = 298

    PERF_TYPE_HARDWARE = PerfType.HARDWARE
    PERF_TYPE_SOFTWARE = PerfType.SOFTWARE
    PERF_TYPE_TRACEPOINT = PerfType.TRACEPOINT
    PERF_TYPE_HW_CACHE = PerfType.HW_CACHE
    PERF_TYPE_RAW = PerfType.RAW
    PERF_TYPE_BREAKPOINT = PerfType.BREAKPOINT

    PERF_SAMPLE_RAW = PerfEventSampleFormat.RAW
    PERF_FLAG_FD_CLOEXEC = 8
    PERF_EVENT_IOC_SET_FILTER = 1074275334
    PERF_EVENT_IOC_ENABLE = 9216

    @staticmethod
    def perf_event_open(tpoint_id, pid=-1, ptype=PerfType.TRACEPOINT, freq=0):
        """Opens and enables an event by type and config on every online CPU; returns the fds."""
        attr = Perf.perf_event_attr()
        attr.type = ptype
        attr.config = tpoint_id
        attr.sample_type = Perf.PERF_SAMPLE_RAW
        if freq > 0:
            attr.freq = 1
            attr.sample_freq = freq
        else:
            attr.sample_period = 1
        return Perf.perf_custom_event_open(attr, pid)

    @staticmethod
    def perf_custom_event_open(attr, pid=-1):
        """Opens and enables the event `attr` describes on every online CPU; returns the fds.

        The events stay until the process ends.
        """
        from . import _native

        return _native.perf_event_open_all(bytes(attr), pid)
