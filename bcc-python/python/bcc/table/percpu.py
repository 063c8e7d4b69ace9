"""Leaves that the kernel keeps one per possible CPU."""

import ctypes as ct

# The kernel gives each CPU's value eight bytes at least; so scalars are widened.
_WIDE = {ct.c_uint: ct.c_uint64, ct.c_int: ct.c_int64}


class PerCpuMixin:
    """A leaf is an array over possible CPUs; `reducer` folds it."""

    def __init__(self, *args, **kwargs):
        self.reducer = kwargs.pop("reducer", None)
        super().__init__(*args, **kwargs)
        self.sLeaf = self.Leaf
        self.total_cpu = self._map.possible_cpus
        size = ct.sizeof(self.sLeaf)
        wide = _WIDE.get(self.sLeaf)
        if wide is None and size % 8:
            raise IndexError("Leaf must be aligned to 8 bytes")
        self.Leaf = (wide or self.sLeaf) * self.total_cpu

    def getvalue(self, key):
        """The array of all CPUs' leaves."""
        return super().__getitem__(key)

    def __getitem__(self, key):
        leaf = self.getvalue(key)
        return self._reduce(leaf) if self.reducer else leaf

    def _reduce(self, leaf):
        from functools import reduce

        return reduce(self.reducer, leaf)

    def _leaves(self, data, count):
        leaves = super()._leaves(data, count)
        return [self._reduce(leaf) for leaf in leaves] if self.reducer else leaves

    def sum(self, key):
        """All CPUs' leaves, added, as one leaf."""
        return self.sLeaf(sum(self.getvalue(key)))

    def max(self, key):
        """The largest of all CPUs' leaves, as a leaf."""
        return self.sLeaf(max(self.getvalue(key)))

    def average(self, key):
        """The mean of all CPUs' leaves, a float."""
        leaf = self.getvalue(key)
        return sum(leaf) / float(len(leaf))
