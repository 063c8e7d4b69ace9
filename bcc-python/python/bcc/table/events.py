"""Tables that carry events to callbacks: perf buffers and ring buffers."""

import sys

from ..ctype import event_class
from .array import ArrayBase
from .base import TableBase


def _print_lost(lost):
    print("Possibly lost %d samples" % lost, file=sys.stderr)


class _EventStream:
    """`event()`, `fileno()` and `async for`, for both kinds of buffer."""

    _event_class = None

    def event(self, data):
        """The submitted struct at `data`, the address a callback was given.

        It is a view of the buffer: read or copy its fields before the callback returns.
        """
        cls = self._event_class
        if cls is None:
            layout = self.bpf.module.event_layout(self._name)
            if layout is None:
                raise Exception("no struct is submitted to this table")
            cls = self._event_class = event_class(*layout)
            # From now on one call of a C function.
            self.event = cls.from_address
        return cls.from_address(data)

    def __aiter__(self):
        from ..aio import EventIterator

        return EventIterator(self)


class PerfEventArray(_EventStream, ArrayBase):
    """`BPF_PERF_OUTPUT` and `BPF_PERF_ARRAY`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._event_class = None
        self._open_key_fds = {}

    def __del__(self):
        self._open_key_fds = {}

    def __delitem__(self, key):
        key = self._normalize_key(key)
        self._open_key_fds.pop(key.value, None)
        self.bpf.module.close_perf_reader(self.map_id, key.value)
        self._map.delete(key)

    def open_perf_buffer(
        self, callback, page_cnt=8, lost_cb=None, wakeup_events=1, unwind_callstack=None
    ):
        """Opens one ring of `page_cnt` pages (a power of two) per online CPU.

        `BPF.perf_buffer_poll` then calls `callback(cpu, data, size)` per event, `data` being an
        address that is valid until the callback returns, and `lost_cb(count)` for lost ones.
        `unwind_callstack` is accepted for old scripts and ignored.
        """
        del unwind_callstack
        if page_cnt & (page_cnt - 1) != 0 or page_cnt <= 0:
            raise Exception("Perf buffer page_cnt must be a power of two")
        self.bpf.module.open_perf_buffer(
            self.map_id, callback, page_cnt, lost_cb or _print_lost, wakeup_events
        )
        self.bpf._attached()

    def fileno(self):
        """A descriptor that becomes readable when events come; take them by `perf_buffer_consume`."""
        return self.bpf.module.perf_fileno()

    def _open(self, callback):
        self.open_perf_buffer(lambda cpu, data, size: callback(data, size))
        return self.bpf.perf_buffer_consume

    def open_perf_event(self, typ, config, pid=-1):
        """Opens the counter (`typ`, `config`) on every online CPU, for `perf_read` in programs."""
        for cpu, fd in self.bpf.module.open_perf_event(self.map_id, typ, config, pid):
            self._open_key_fds[cpu] = fd
        self.bpf._attached()


class RingBuf(_EventStream, TableBase):
    """`BPF_RINGBUF_OUTPUT`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._event_class = None

    def __delitem__(self, key):
        raise KeyError(key)

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0

    def open_ring_buffer(self, callback, ctx=None):
        """Opens the ring; `BPF.ring_buffer_poll` then calls `callback(ctx, data, size)` per event.

        `data` is an address that is valid until the callback returns. A negative number returned
        ends the poll.
        """
        self.bpf.module.open_ring_buffer(self.map_id, callback, ctx)
        self.bpf._attached()

    @property
    def lost(self):
        """How many events found no room so far: `ringbuf_output` and `ringbuf_reserve` that failed.

        Counted by the programs of this object, per CPU, since it was made. Calls of the helpers
        `bpf_ringbuf_output` and `bpf_ringbuf_reserve` by their own names are not counted.
        """
        return self._map.losses

    def fileno(self):
        """A descriptor that polls readable while events wait."""
        return self.bpf.module.ring_fileno()

    def _open(self, callback):
        self.open_ring_buffer(lambda _ctx, data, size: callback(data, size))
        return self.bpf.ring_buffer_consume
