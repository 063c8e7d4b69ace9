"""What a table of counts gained from one look to the next."""

import ctypes as ct

from .histogram import HistogramMixin

_HASH = 1


def _numbers(leaf_type):
    """Names of a leaf's members that count; None for a leaf that is a number itself."""
    if issubclass(leaf_type, ct._SimpleCData):
        return None
    fields = getattr(leaf_type, "_fields_", ())
    numbers = [field[0] for field in fields if issubclass(field[1], ct._SimpleCData)]
    if not numbers:
        raise TypeError("a leaf of type %s holds no number" % leaf_type.__name__)
    return numbers


class Gains(HistogramMixin):
    """A view of a table of counts that shows, at each look, what was added since the last one.

    To read a table and then clear it loses what is counted in between; this leaves the counts where
    they are. Keys that gained nothing are not shown; once the table is more than half full they are
    deleted, so that others have room (what such a key gains in that very moment is lost).

    Made by `gains()` of a table whose leaves are numbers, or structs with numbers; members that are
    none are shown as they are.
    """

    def __init__(self, table):
        self.table = table
        self.Key, self.Leaf = table.Key, table.Leaf
        self._numbers = _numbers(table.Leaf)
        # Leaves at the last look, by key, both as bytes.
        self._before = {}

    def keys(self):
        """An iterator over the table's keys, also those that gained nothing."""
        return self.table.keys()

    def items(self):
        """All (key, gain) pairs since the last look, as a list; the next look begins here."""
        after, gained, idle = {}, [], []
        for key, leaf in self.table.items():
            name, now = bytes(key), bytes(leaf)
            then = self._before.get(name)
            if then == now:
                idle.append(key)
            else:
                gain = self._gain(leaf, then)
                if gain is not None:
                    gained.append((key, gain))
            after[name] = now
        self._before = after
        if self.table.ttype == _HASH and 2 * len(after) > self.table.max_entries:
            self._forget(idle)
        return gained

    def _gain(self, leaf, then):
        """What `leaf` has more than the bytes `then`, or all of it; None when nothing counts."""
        old = self.Leaf() if then is None else self.Leaf.from_buffer_copy(then)
        if self._numbers is None:
            gain = leaf.value - old.value
            # Less than before: somebody else cleared the table.
            return self.Leaf(gain if gain > 0 else leaf.value) if gain else None
        numbers = [(name, getattr(leaf, name), getattr(old, name)) for name in self._numbers]
        if any(now < before for _, now, before in numbers):
            numbers = [(name, now, 0) for name, now, _ in numbers]
        gain = self.Leaf.from_buffer_copy(leaf)
        for name, now, before in numbers:
            setattr(gain, name, now - before)
        return gain if any(now != before for _, now, before in numbers) else None

    def _forget(self, keys):
        for key in keys:
            self._before.pop(bytes(key), None)
            try:
                del self.table[key]
            except KeyError:
                pass  # somebody else did
