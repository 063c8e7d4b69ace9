"""What all tables share: bytes in and out of the kernel map, seen as ctypes objects."""

import ctypes as ct
import gc
import os

# The very class of `collections.abc`, without the rest of `collections`: every start pays for it.
from _collections_abc import MutableMapping

from .. import _native
from .._native import MapError
from .histogram import HistogramMixin

BPF_MAP_TYPE_HASH = 1
BPF_MAP_TYPE_ARRAY = 2
BPF_MAP_TYPE_PROG_ARRAY = 3
BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4
BPF_MAP_TYPE_PERCPU_HASH = 5
BPF_MAP_TYPE_PERCPU_ARRAY = 6
BPF_MAP_TYPE_STACK_TRACE = 7
BPF_MAP_TYPE_CGROUP_ARRAY = 8
BPF_MAP_TYPE_LRU_HASH = 9
BPF_MAP_TYPE_LRU_PERCPU_HASH = 10
BPF_MAP_TYPE_LPM_TRIE = 11
BPF_MAP_TYPE_ARRAY_OF_MAPS = 12
BPF_MAP_TYPE_HASH_OF_MAPS = 13
BPF_MAP_TYPE_DEVMAP = 14
BPF_MAP_TYPE_SOCKMAP = 15
BPF_MAP_TYPE_CPUMAP = 16
BPF_MAP_TYPE_XSKMAP = 17
BPF_MAP_TYPE_SOCKHASH = 18
BPF_MAP_TYPE_CGROUP_STORAGE = 19
BPF_MAP_TYPE_REUSEPORT_SOCKARRAY = 20
BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21
BPF_MAP_TYPE_QUEUE = 22
BPF_MAP_TYPE_STACK = 23
BPF_MAP_TYPE_SK_STORAGE = 24
BPF_MAP_TYPE_DEVMAP_HASH = 25
BPF_MAP_TYPE_STRUCT_OPS = 26
BPF_MAP_TYPE_RINGBUF = 27
BPF_MAP_TYPE_INODE_STORAGE = 28
BPF_MAP_TYPE_TASK_STORAGE = 29

map_type_name = {
    value: name[len("BPF_MAP_TYPE_") :]
    for name, value in list(globals().items())
    if name.startswith("BPF_MAP_TYPE_")
}


def get_table_type_name(ttype):
    """The name of a map type: `HASH`, or `<unknown>`."""
    return map_type_name.get(ttype, "<unknown>")


class _NoCollection:
    """Holds the garbage collector back: it would walk all of a big table's objects many times, and
    none of them is in a cycle."""

    def __enter__(self):
        self._was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_exception):
        if self._was_on:
            gc.enable()


class TableBase(HistogramMixin, _native.Table, MutableMapping):
    """A map as a mapping of ctypes keys to ctypes leaves."""

    def __init__(self, bpf, map_id, map_fd, keytype, leaftype, name=None):
        self.bpf = bpf
        self.map_id = map_id
        self.map_fd = map_fd
        self.Key = keytype
        self.Leaf = leaftype
        self._name = name
        self._cbs = {}
        native = self._map = bpf.module.map_by_id(map_id)
        self.ttype = native.type
        self.flags = native.flags
        self.max_entries = native.max_entries

    def get_fd(self):
        """The map's file descriptor, owned by the table's module."""
        return self.map_fd

    def info(self):
        """What the kernel says of the map, as a dict: id, name, type, max_entries, flags, ..."""
        return _native.map_info(self.map_fd)

    def pin(self, path):
        """Pins the map to `path`, below a bpffs."""
        _native.pin(self.map_fd, os.fsencode(path))

    def key_sprintf(self, key):
        """The key as text (bytes), the way `key_scanf` reads it."""
        return self._map.key_text(key)

    def leaf_sprintf(self, leaf):
        """The leaf as text (bytes), the way `leaf_scanf` reads it."""
        return self._map.leaf_text(leaf)

    def key_scanf(self, key_str):
        """The key that the text `key_str` (bytes) spells."""
        return self.Key.from_buffer_copy(self._map.key_parse(key_str))

    def leaf_scanf(self, leaf_str):
        """The leaf that the text `leaf_str` (bytes) spells."""
        return self.Leaf.from_buffer_copy(self._map.leaf_parse(leaf_str))

    def __len__(self):
        return self._map.count()

    def __contains__(self, key):
        try:
            self[key]
        except KeyError:
            return False
        return True

    def __iter__(self):
        return TableBase.Iter(self)

    def iter(self):
        """An iterator over the keys."""
        return iter(self)

    def keys(self):
        """An iterator over the keys."""
        return iter(self)

    def next(self, key):
        """The key after `key` in the kernel's order, the first one for None; StopIteration at the end."""
        out = self.Key()
        if not self._map.next_key(key, out):
            raise StopIteration
        return out

    class Iter:
        """Walks keys by get_next_key, each at most once.

        The kernel starts over when the key it stood on was deleted meanwhile. A walk that it sets
        back again and again ends at last.
        """

        def __init__(self, table):
            self.table = table
            self.key = None
            self._seen = set()

        def __iter__(self):
            return self

        def __next__(self):
            seen = self._seen
            for _ in range(4 * len(seen) + 64):
                key = self.key = self.table.next(self.key)
                known = len(seen)
                seen.add(bytes(key))
                if len(seen) > known:
                    return key
            raise StopIteration

        next = __next__

    def _leaf_of(self, value):
        """What `t[key]` would give for a raw leaf object."""
        return value

    def items(self):
        """All (key, leaf) pairs as a list."""
        keys, leaves, count = self._map.items()
        if type(self)._leaves is TableBase._leaves:
            return self._pairs(keys, leaves, count)
        with _NoCollection():
            return list(zip(self._objects(self.Key, keys, count), self._leaves(leaves, count)))

    def _pairs(self, keys, leaves, count):
        with _NoCollection():
            if issubclass(self.Key, ct._SimpleCData) and issubclass(self.Leaf, ct._SimpleCData):
                return _native.scalar_pairs(self.Key, keys, self.Leaf, leaves)
            keys = self._objects(self.Key, keys, count)
            return list(zip(keys, self._objects(self.Leaf, leaves, count)))

    def values(self):
        """All leaves as a list."""
        _, leaves, count = self._map.items()
        with _NoCollection():
            return self._leaves(leaves, count)

    def _counts(self):
        if type(self)._leaves is not TableBase._leaves or not issubclass(self.Leaf, ct._SimpleCData):
            return super()._counts()
        keys, leaves, count = self._map.items()
        if not count:
            return ()
        numbers = (self.Leaf * count).from_buffer(leaves)[:]
        with _NoCollection():
            return zip(self._objects(self.Key, keys, count), numbers)

    def _leaves(self, data, count):
        return self._objects(self.Leaf, data, count)

    @staticmethod
    def _objects(cls, data, count):
        """`count` objects of `cls` for the bytes of `data`: scalars hold copies, others keep it alive."""
        if not count:
            return []
        if issubclass(cls, ct._SimpleCData):
            return _native.scalars(cls, data)
        # A slice is one call for all; iterating asks the array for each.
        return (cls * count).from_buffer(data)[:]

    def iteritems(self):
        """Generator of (key, leaf) pairs, read one by one."""
        for key in self:
            try:
                yield key, self[key]
            except KeyError:
                # Deleted since the iterator saw it.
                continue

    def itervalues(self):
        """Generator of leaves, read one by one."""
        for _, leaf in self.iteritems():
            yield leaf

    def clear(self):
        """Deletes every entry."""
        self._map.clear()

    def zero(self):
        """Writes a zero leaf to every present key."""
        self._map.zero()

    def gains(self):
        """A view of a table of counts that shows what was added since it was last looked at.

        What is counted while a report is made is in the next one, where `clear()` would lose it:
        `view.items()` and `view.print_log2_hist()` are one look each.
        """
        from .gains import Gains

        return Gains(self)

    def items_lookup_batch(self):
        """Generator of all (key, leaf) pairs, read by batch system calls."""
        yield from self._pairs(*self._map.lookup_batch())

    def items_lookup_and_delete_batch(self):
        """Generator of all (key, leaf) pairs, deleted as they are read. Not iterated, it deletes nothing."""
        yield from self._pairs(*self._map.lookup_and_delete_batch())

    def items_delete_batch(self, ct_keys=None):
        """Deletes the keys of the ctypes array `ct_keys`, or all."""
        if ct_keys is None:
            self.clear_batch()
            return
        self._check_array(ct_keys, "ct_keys")
        self._map.delete_batch(ct_keys, len(ct_keys))

    def clear_batch(self):
        """Deletes every entry by batch system calls."""
        keys, _, count = self._map.lookup_batch()
        if count:
            self._map.delete_batch(keys, count)

    def items_update_batch(self, ct_keys, ct_values):
        """Writes the pairs of two ctypes arrays of one length."""
        self._check_array(ct_keys, "ct_keys")
        self._check_array(ct_values, "ct_values")
        if len(ct_keys) != len(ct_values):
            raise ValueError(
                "Key and value arrays must have the same length: %d and %d"
                % (len(ct_keys), len(ct_values))
            )
        self._map.update_batch(ct_keys, ct_values, len(ct_keys))

    def _check_array(self, array, what):
        if not isinstance(array, ct.Array):
            raise TypeError("%s must be a ctypes array" % what)
        if not 1 <= len(array) <= self.max_entries:
            raise ValueError(
                "Wrong length of %s: %d is not in 1..%d" % (what, len(array), self.max_entries)
            )


__all__ = [name for name in globals() if name.startswith("BPF_MAP_TYPE_")]
__all__ += ["MapError", "TableBase", "get_table_type_name", "map_type_name"]
