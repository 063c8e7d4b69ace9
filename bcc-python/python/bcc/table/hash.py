"""Hash-like tables."""

from .base import TableBase
from .percpu import PerCpuMixin


class HashTable(TableBase):
    """`BPF_HASH`."""


class LruHash(TableBase):
    """`BPF_TABLE("lru_hash", …)`."""


class PerCpuHash(PerCpuMixin, HashTable):
    """`BPF_PERCPU_HASH`."""


class LruPerCpuHash(PerCpuHash):
    """`BPF_TABLE("lru_percpu_hash", …)`."""


class LpmTrie(TableBase):
    """`BPF_LPM_TRIE`; keys begin with the prefix length in bits."""

    def __len__(self):
        raise NotImplementedError


class MapInMapHash(HashTable):
    """`BPF_HASH_OF_MAPS`; leaves are fds of maps."""

    def __setitem__(self, key, leaf):
        super().__setitem__(key, self.Leaf(leaf) if isinstance(leaf, int) else leaf)
