"""Tables indexed by small integers."""

import ctypes as ct

from .base import TableBase
from .percpu import PerCpuMixin


class ArrayBase(TableBase):
    """Integer keys are accepted, negative ones count from the end."""

    def _normalize_key(self, key):
        if isinstance(key, int):
            if key < 0:
                key = len(self) + key
            key = self.Key(key)
        if not isinstance(key, ct._SimpleCData):
            raise IndexError("Array index must be an integer type")
        if key.value >= len(self) or key.value < 0:
            raise IndexError("Array index out of range")
        return key

    def __len__(self):
        return self.max_entries

    def __getitem__(self, key):
        return super().__getitem__(self._normalize_key(key))

    def __setitem__(self, key, leaf):
        super().__setitem__(self._normalize_key(key), leaf)

    def __delitem__(self, key):
        super().__delitem__(self._normalize_key(key))

    def clearitem(self, key):
        """Writes a zero leaf."""
        self[key] = self.Leaf()

    def __iter__(self):
        return ArrayBase.Iter(self, self.Key)

    class Iter:
        """Walks 0..max_entries."""

        def __init__(self, table, keytype):
            self.Key = keytype
            self.table = table
            self.i = -1

        def __iter__(self):
            return self

        def __next__(self):
            self.i += 1
            if self.i == len(self.table):
                raise StopIteration()
            return self.Key(self.i)

        next = __next__


class Array(ArrayBase):
    """`BPF_ARRAY`, `BPF_HISTOGRAM` of ints; deleting writes zero."""

    def __delitem__(self, key):
        self.clearitem(key)


class PerCpuArray(PerCpuMixin, ArrayBase):
    """`BPF_PERCPU_ARRAY`; deleting writes zeros."""

    def getvalue(self, key):
        """The array of all CPUs' leaves."""
        return super().getvalue(self._normalize_key(key))

    def __setitem__(self, key, leaf):
        super().__setitem__(key, leaf)

    def __delitem__(self, key):
        self.clearitem(key)


class ProgArray(ArrayBase):
    """`BPF_PROG_ARRAY`; values are `BPF.Function` objects or fds."""

    def __setitem__(self, key, leaf):
        fd = getattr(leaf, "fd", leaf)
        super().__setitem__(key, self.Leaf(fd) if isinstance(fd, int) else fd)


class CgroupArray(ArrayBase):
    """`BPF_CGROUP_ARRAY`; values are fds or paths of cgroup directories."""

    def __setitem__(self, key, leaf):
        if isinstance(leaf, int):
            super().__setitem__(key, self.Leaf(leaf))
        elif isinstance(leaf, str):
            self._map.update_from_path(self._normalize_key(key), leaf)
        else:
            raise Exception("Cgroup array key must be either FD or cgroup path")


def _fd_leaf(table, leaf):
    return table.Leaf(leaf) if isinstance(leaf, int) else leaf


class DevMap(ArrayBase):
    """`BPF_DEVMAP`; values are interface indices."""

    def __setitem__(self, key, leaf):
        super().__setitem__(key, _fd_leaf(self, leaf))


class CpuMap(ArrayBase):
    """`BPF_CPUMAP`; values are queue sizes."""

    def __setitem__(self, key, leaf):
        super().__setitem__(key, _fd_leaf(self, leaf))


class XskMap(ArrayBase):
    """`BPF_XSKMAP`; values are AF_XDP socket fds."""

    def __setitem__(self, key, leaf):
        super().__setitem__(key, _fd_leaf(self, leaf))


class MapInMapArray(ArrayBase):
    """`BPF_ARRAY_OF_MAPS`; values are map fds."""

    def __setitem__(self, key, leaf):
        super().__setitem__(key, _fd_leaf(self, leaf))
