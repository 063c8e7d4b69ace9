"""`async for event in b["events"]`: buffers on an asyncio loop."""

import asyncio
import collections
import ctypes as ct


class EventIterator:
    """Yields copies of a buffer's events: structs where the layout is known, else bytes.

    The buffer is opened here, so it must not be open already, and belongs to the running loop
    until `aclose()` or the module's cleanup.
    """

    def __init__(self, table):
        self._table = table
        self._queue = collections.deque()
        self._ready = asyncio.Event()
        self._decode = None
        if table.bpf.module.event_layout(table._name) is not None:
            self._decode = table.event
        self._consume = table._open(self._store)
        self._loop = asyncio.get_running_loop()
        self._fd = table.fileno()
        self._loop.add_reader(self._fd, self._readable)

    def _store(self, data, size):
        raw = ct.string_at(data, size)
        if self._decode is None:
            self._queue.append(raw)
        else:
            cls = type(self._decode(data))
            self._queue.append(cls.from_buffer_copy(raw))

    def _readable(self):
        self._consume()
        if self._queue:
            self._ready.set()

    def __aiter__(self):
        return self

    async def __anext__(self):
        while not self._queue:
            self._ready.clear()
            await self._ready.wait()
        return self._queue.popleft()

    async def aclose(self):
        """Takes the buffer off the loop."""
        self._loop.remove_reader(self._fd)
