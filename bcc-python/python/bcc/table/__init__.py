"""Tables: the kernel maps of a module as Python objects."""

import ctypes as ct

from ..ctype import class_of, str2ctype
from . import base as _base
from .array import (
    Array,
    ArrayBase,
    CgroupArray,
    CpuMap,
    DevMap,
    MapInMapArray,
    PerCpuArray,
    ProgArray,
    XskMap,
)
from .base import *  # noqa: F403
from .base import TableBase, get_table_type_name, map_type_name
from .events import PerfEventArray, RingBuf
from .hash import HashTable, LpmTrie, LruHash, LruPerCpuHash, MapInMapHash, PerCpuHash
from .histogram import (
    _print_linear_hist,
    _print_log2_hist,
    _stars,
    get_json_hist,
    linear_index_max,
    log2_index_max,
    stars_max,
)
from .stack import QueueStack, StackTrace

_CLASSES = {
    _base.BPF_MAP_TYPE_HASH: HashTable,
    _base.BPF_MAP_TYPE_ARRAY: Array,
    _base.BPF_MAP_TYPE_PROG_ARRAY: ProgArray,
    _base.BPF_MAP_TYPE_PERF_EVENT_ARRAY: PerfEventArray,
    _base.BPF_MAP_TYPE_PERCPU_HASH: PerCpuHash,
    _base.BPF_MAP_TYPE_PERCPU_ARRAY: PerCpuArray,
    _base.BPF_MAP_TYPE_LPM_TRIE: LpmTrie,
    _base.BPF_MAP_TYPE_STACK_TRACE: StackTrace,
    _base.BPF_MAP_TYPE_LRU_HASH: LruHash,
    _base.BPF_MAP_TYPE_LRU_PERCPU_HASH: LruPerCpuHash,
    _base.BPF_MAP_TYPE_CGROUP_ARRAY: CgroupArray,
    _base.BPF_MAP_TYPE_DEVMAP: DevMap,
    _base.BPF_MAP_TYPE_CPUMAP: CpuMap,
    _base.BPF_MAP_TYPE_XSKMAP: XskMap,
    _base.BPF_MAP_TYPE_ARRAY_OF_MAPS: MapInMapArray,
    _base.BPF_MAP_TYPE_HASH_OF_MAPS: MapInMapHash,
    _base.BPF_MAP_TYPE_RINGBUF: RingBuf,
}

_PER_CPU = (
    _base.BPF_MAP_TYPE_PERCPU_HASH,
    _base.BPF_MAP_TYPE_PERCPU_ARRAY,
    _base.BPF_MAP_TYPE_LRU_PERCPU_HASH,
)


def Table(bpf, map_id, map_fd, keytype, leaftype, name, **kwargs):
    """The table object of one map; its class follows from the map's type.

    `reducer` (a keyword) folds the leaves of a per-CPU table.
    """
    ttype = bpf.module.map_by_id(map_id).type
    if ttype in (_base.BPF_MAP_TYPE_QUEUE, _base.BPF_MAP_TYPE_STACK):
        return QueueStack(bpf, map_id, map_fd, leaftype, name)
    cls = _CLASSES.get(ttype)
    if cls is None:
        raise Exception("Unknown table type %d" % ttype)
    if ttype not in _PER_CPU:
        kwargs = {}
    return cls(bpf, map_id, map_fd, keytype, leaftype, name=name, **kwargs)
