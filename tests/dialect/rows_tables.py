"""§4 table macros, §5 kinds, §6 creation."""

from __future__ import annotations

import ctypes as ct
import os
import socket
import struct
from pathlib import Path

import kernel
from harness import PROBED, T, row
from kernel import MapInfo

NO_PREALLOC, BUILD_ID, RDONLY_PROG = 1, 32, 128
HASH, ARRAY = 1, 2


def shape(t: T, module: object, name: str, *want: int, flags: int = 0) -> MapInfo:
    """Type, key size, value size and entries of a table, as the kernel has them."""
    info = t.info(module, name.encode())
    # The kernel itself marks some kinds as read-only to programs.
    own_flags = info.flags & ~RDONLY_PROG
    got = (info.type, info.key_size, info.value_size, info.max_entries, own_flags)
    t.equal(got, (*want, flags), f"{name}: type, key, value, entries, flags")
    return info


@row("§4 BPF_F_TABLE", "tables/f_table.c", "define:BPF_F_TABLE")
def f_table(t: T) -> None:
    b = t.load()
    shape(t, b, "t", HASH, 4, 8, 16, flags=NO_PREALLOC)
    t.equal(t.raw(b, "prog"), 0, "update")
    t.equal(b[b"t"][ct.c_uint(7)].value, 49)


@row("§4 BPF_TABLE", "tables/table.c", "define:BPF_TABLE")
def table(t: T) -> None:
    b = t.load()
    shape(t, b, "lru", 9, 4, 8, 64)
    shape(t, b, "lru_percpu", 10, 4, 8, 64)
    t.raw(b, "prog")
    t.equal(b[b"lru"][ct.c_uint(7)].value, 49)
    t.equal(b[b"lru_percpu"].sum(ct.c_uint(7)).value, 49)


@row("§4 BPF_TABLE_PINNED", "tables/pinned.c", "define:BPF_TABLE_PINNED")
def pinned(t: T) -> None:
    kernel.own_bpffs()
    b = t.load()
    shape(t, b, "plain", HASH, 4, 8, 16)
    shape(t, b, "flagged", HASH, 4, 8, 16, flags=NO_PREALLOC)
    t.raw(b, "prog")
    t.equal(os.stat("/sys/fs/bpf/dialect").st_mode & 0o777, 0o700, "mode of the directory")
    t.true(os.path.exists("/sys/fs/bpf/dialect/flagged"), "nothing pinned")
    again = t.load()
    t.raw(again, "prog")
    t.equal(again[b"plain"][ct.c_uint(3)].value, 2, "a second module's view of the pinned table")
    t.equal(b[b"flagged"][ct.c_uint(3)].value, 2)


@row("§4 BPF_TABLE_PUBLIC", "tables/public.c", "define:BPF_TABLE_PUBLIC")
def public(t: T) -> None:
    b = t.load()
    shape(t, b, "dialect_public", HASH, 4, 8, 16)
    t.raw(b, "prog")
    reader = t.load("tables/extern.c")
    t.equal(t.raw(reader, "prog"), 11, "value seen through the extern table")


@row('§4 BPF_TABLE("extern")', "tables/extern.c", "kind:extern")
def extern(t: T) -> None:
    maker = t.load("tables/public.c")
    b = t.load()
    t.raw(maker, "prog")
    t.equal(t.raw(b, "prog"), 11)
    t.equal(b[b"dialect_public"][ct.c_uint(5)].value, 11)
    t.true(t.fd(b, b"dialect_public") != t.fd(maker, b"dialect_public"), "the fd is not duplicated")


@row('§7 increment on a BPF_TABLE("extern")', "tables/extern_increment.c", "extern:kinds")
def extern_increment(t: T) -> None:
    maker = t.load(
        text=b"""BPF_TABLE_PUBLIC("lru_hash", u32, u64, dialect_lru, 16);
                 BPF_TABLE_PUBLIC("hash", u32, u64, dialect_plain, 16);"""
    )
    b = t.load()
    t.raw(b, "prog", 3)
    t.equal(len(maker[b"dialect_lru"]), 0, "a missing key of an LRU hash is not added, entries")
    t.equal(maker[b"dialect_plain"][ct.c_uint(3)].value, 5)
    maker[b"dialect_lru"][ct.c_uint(3)] = ct.c_ulonglong(10)
    t.raw(b, "prog", 3)
    t.equal(maker[b"dialect_lru"][ct.c_uint(3)].value, 11)
    t.equal(maker[b"dialect_plain"][ct.c_uint(3)].value, 10)


@row("§4 BPF_TABLE_SHARED", "tables/shared.c", "define:BPF_TABLE_SHARED")
def shared(t: T) -> None:
    b = t.load()
    shape(t, b, "dialect_shared_flags", HASH, 4, 8, 16, flags=NO_PREALLOC)
    t.raw(b, "prog")
    text = t.text("tables/extern.c").replace(b"dialect_public", b"dialect_shared")
    t.equal(t.raw(t.load(text=text), "prog"), 12)


@row("§4 BPF_HASH", "tables/hash.c", "define:BPF_HASH")
def hash_(t: T) -> None:
    b = t.load()
    shape(t, b, "one", HASH, 8, 8, 10240)
    shape(t, b, "two", HASH, 4, 8, 10240)
    shape(t, b, "three", HASH, 8, 16, 10240)
    info = shape(t, b, "four", HASH, 8, 16, 77)
    t.true(info.btf_key and info.btf_value, "the kernel knows no BTF types of the table")
    t.raw(b, "prog")
    t.equal(b[b"one"][ct.c_ulonglong(10)].value, 1)
    t.equal(b[b"two"][ct.c_uint(20)].value, 1)
    leaf = b[b"four"][b[b"four"].Key(1, 2)]
    t.equal((leaf.x, leaf.y), (3, b"z"))


@row("§4 BPF_PERCPU_HASH", "tables/percpu_hash.c", "define:BPF_PERCPU_HASH")
def percpu_hash(t: T) -> None:
    b = t.load()
    shape(t, b, "one", 5, 8, 8, 10240)
    shape(t, b, "two", 5, 4, 8, 10240)
    shape(t, b, "three", 5, 4, 8, 10240)
    shape(t, b, "four", 5, 4, 8, 77)
    t.raw(b, "prog")
    t.equal(b[b"four"].sum(ct.c_uint(1)).value, 21)


@row("§4 BPF_ARRAY", "tables/array.c", "define:BPF_ARRAY")
def array(t: T) -> None:
    b = t.load()
    shape(t, b, "one", ARRAY, 4, 8, 10240)
    shape(t, b, "two", ARRAY, 4, 16, 10240)
    shape(t, b, "three", ARRAY, 4, 4, 5)
    t.raw(b, "prog")
    t.equal((b[b"one"][4].value, b[b"two"][4].b, b[b"three"][4].value), (44, 46, 47))


@row("§4 BPF_PERCPU_ARRAY", "tables/percpu_array.c", "define:BPF_PERCPU_ARRAY")
def percpu_array(t: T) -> None:
    b = t.load()
    shape(t, b, "one", 6, 4, 8, 10240)
    shape(t, b, "two", 6, 4, 4, 10240)
    shape(t, b, "three", 6, 4, 8, 5)
    t.raw(b, "prog")
    t.equal([b[name].sum(4).value for name in (b"one", b"two", b"three")], [1, 2, 3])


@row("§4 BPF_HISTOGRAM", "tables/histogram.c", "define:BPF_HISTOGRAM")
def histogram(t: T) -> None:
    b = t.load()
    shape(t, b, "one", ARRAY, 4, 8, 64)
    shape(t, b, "two", HASH, 8, 8, 64)
    shape(t, b, "three", ARRAY, 4, 8, 9)
    t.raw(b, "prog")
    t.equal((b[b"one"][1].value, b[b"one"][13].value, b[b"three"][8].value), (1, 1, 1))
    t.equal([(k.disk, k.slot, v.value) for k, v in b[b"two"].items()], [(1, 7, 1)])


@row("§4 BPF_LPM_TRIE", "tables/lpm_trie.c", "define:BPF_LPM_TRIE")
def lpm_trie(t: T) -> None:
    b = t.load()
    shape(t, b, "one", 11, 8, 8, 10240, flags=NO_PREALLOC)
    shape(t, b, "two", 11, 8, 8, 10240, flags=NO_PREALLOC)
    shape(t, b, "three", 11, 8, 4, 10240, flags=NO_PREALLOC)
    shape(t, b, "four", 11, 8, 4, 9, flags=NO_PREALLOC)
    t.equal(t.raw(b, "prog"), 99, "longest prefix")


@row("§4 BPF_STACK_TRACE", "tables/stack_trace.c", "define:BPF_STACK_TRACE")
def stack_trace(t: T) -> None:
    b = t.load()
    shape(t, b, "stacks", 7, 4, 127 * 8, 1024)
    t.probe(b, "prog", 5)
    top = next(iter(b[b"stacks"].walk(t.out(b, 0))))
    t.equal(top, ct.cast(PROBED, ct.c_void_p).value, "top of the user stack")


@row(
    "§4 BPF_STACK_TRACE_BUILDID", "tables/stack_trace_buildid.c", "define:BPF_STACK_TRACE_BUILDID"
)
def stack_trace_buildid(t: T) -> None:
    b = t.load()
    shape(t, b, "stacks", 7, 4, 127 * 32, 1024, flags=BUILD_ID)
    t.probe(b, "prog", 5)
    raw = kernel.lookup(t.fd(b, b"stacks"), struct.pack("I", t.out(b, 0)), 127 * 32)
    status, build_id = struct.unpack_from("i20s", raw)
    t.equal(status, 1, "status of the first entry")
    libc = next(
        line.split()[-1] for line in Path("/proc/self/maps").open() if "libc.so" in line
    )
    t.true(build_id in Path(libc).read_bytes()[:4096], "the build-id is not the C library's")


@row("§4 BPF_PROG_ARRAY", "tables/prog_array.c", "define:BPF_PROG_ARRAY")
def prog_array(t: T) -> None:
    from bcc import BPF

    b = t.load()
    shape(t, b, "targets", 3, 4, 4, 3)
    t.equal(t.raw(b, "prog"), 1, "an empty slot")
    b[b"targets"][ct.c_int(2)] = b.load_func(b"target", BPF.RAW_TRACEPOINT)
    t.equal(t.raw(b, "prog"), 2, "a filled slot")


@row("§4 BPF_PERF_OUTPUT", "tables/perf_output.c", "define:BPF_PERF_OUTPUT")
def perf_output(t: T) -> None:
    b = t.load()
    possible = Path("/sys/devices/system/cpu/possible").read_text().strip()
    shape(t, b, "events", 4, 4, 4, int(possible.split("-")[-1]) + 1)
    got = t.perf_events(b, lambda: t.equal(t.raw(b, "prog"), 0, "perf_submit"))
    t.equal(struct.unpack_from("I4xQ5s", got[0]), (17, 1 << 40, b"perf\0"))


@row("§4 BPF_RINGBUF_OUTPUT", "tables/ringbuf_output.c", "define:BPF_RINGBUF_OUTPUT")
def ringbuf_output(t: T) -> None:
    b = t.load()
    shape(t, b, "events", 27, 0, 0, 4 * os.sysconf("SC_PAGESIZE"))
    got = t.ring_events(b, lambda: t.raw(b, "prog"))
    t.equal(struct.unpack_from("I4xQ5s", got[0]), (17, 1 << 40, b"ring\0"))


@row("§4 BPF_PERF_ARRAY", "tables/perf_array.c", "define:BPF_PERF_ARRAY")
def perf_array(t: T) -> None:
    from bcc import PerfSWConfig, PerfType

    b = t.load()
    shape(t, b, "clock", 4, 4, 4, 128)
    t.equal(t.raw(b, "prog"), 1, "an empty slot fails")
    b[b"clock"].open_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)
    t.equal(t.raw(b, "prog"), 0, "a filled slot is read")
    first = t.out(b, 0)
    t.raw(b, "prog")
    t.true(0 < first < t.out(b, 0), "the clock does not run")


@row("§4 BPF_CGROUP_ARRAY", "tables/cgroup_array.c", "define:BPF_CGROUP_ARRAY")
def cgroup_array(t: T) -> None:
    with kernel.own_cgroup() as group:
        b = t.load()
        shape(t, b, "groups", 8, 4, 4, 2)
        t.true(t.raw(b, "prog") < 0, "an empty slot is an error")
        b[b"groups"][1] = str(group)
        t.equal(t.raw(b, "prog"), 1, "inside the group")


FRAME = bytes(range(64))


@row("§4 BPF_DEVMAP", "tables/devmap.c", "define:BPF_DEVMAP")
def devmap(t: T) -> None:
    from bcc import BPF

    kernel.own_network()
    b = t.load()
    shape(t, b, "devices", 14, 4, 4, 4)
    t.equal(t.packet(b, "prog", FRAME, "XDP")[0], BPF.XDP_ABORTED, "an empty slot")
    b[b"devices"][ct.c_uint(2)] = ct.c_int(socket.if_nametoindex("lo"))
    t.equal(t.packet(b, "prog", FRAME, "XDP")[0], BPF.XDP_REDIRECT, "a filled slot")


@row("§4 BPF_CPUMAP", "tables/cpumap.c", "define:BPF_CPUMAP")
def cpumap(t: T) -> None:
    from bcc import BPF

    b = t.load()
    shape(t, b, "cpus", 16, 4, 4, 4)
    t.equal(t.packet(b, "prog", FRAME, "XDP")[0], BPF.XDP_ABORTED, "an empty slot")
    b[b"cpus"][ct.c_uint(0)] = ct.c_uint(192)
    t.equal(t.packet(b, "prog", FRAME, "XDP")[0], BPF.XDP_REDIRECT, "a filled slot")


@row("§4 BPF_XSKMAP", "tables/xskmap.c", "define:BPF_XSKMAP")
def xskmap(t: T) -> None:
    from bcc import BPF

    kernel.own_bpffs()
    b = t.load()
    shape(t, b, "sockets", 17, 4, 4, 4)
    shape(t, b, "pinned", 17, 4, 4, 4)
    t.true(os.path.exists("/sys/fs/bpf/dialect/xsk"), "not pinned")
    t.equal(t.packet(b, "prog", FRAME, "XDP")[0], BPF.XDP_PASS, "the flags of an empty slot")


@row("§4 BPF_ARRAY_OF_MAPS", "tables/array_of_maps.c", "define:BPF_ARRAY_OF_MAPS")
def array_of_maps(t: T) -> None:
    b = t.load()
    shape(t, b, "outer", 12, 4, 4, 3)
    t.equal(t.raw(b, "prog"), -1, "an empty slot")
    b[b"outer"][ct.c_int(1)] = ct.c_int(t.fd(b, b"inner"))
    t.equal(t.raw(b, "prog"), -2, "an empty inner map")
    b[b"inner"][ct.c_uint(6)] = ct.c_ulonglong(66)
    t.equal(t.raw(b, "prog"), 66)


@row("§4 BPF_HASH_OF_MAPS", "tables/hash_of_maps.c", "define:BPF_HASH_OF_MAPS")
def hash_of_maps(t: T) -> None:
    b = t.load()
    shape(t, b, "two", 13, 4, 4, 10240)
    shape(t, b, "three", 13, 8, 4, 10240)
    shape(t, b, "four", 13, 8, 4, 5)
    t.equal(t.raw(b, "prog"), -1, "an absent key")
    b[b"four"][ct.c_ulonglong(9)] = ct.c_int(t.fd(b, b"inner"))
    b[b"inner"][1] = ct.c_ulonglong(67)
    t.equal(t.raw(b, "prog"), 67)


@row("§4 BPF_SK_STORAGE", "tables/sk_storage.c", "define:BPF_SK_STORAGE")
def sk_storage(t: T) -> None:
    b = t.load()
    shape(t, b, "per_socket", 24, 4, 8, 0, flags=NO_PREALLOC)
    t.equal(t.packet(b, "prog", FRAME, repeat=3)[0], 3, "count in the socket's storage")


def opens(t: T, name: str, kind: int) -> None:
    b = t.load(PID=t.pid)
    shape(t, b, name, kind, 4, 8, 0, flags=NO_PREALLOC)
    out = b[b"out"]
    # An inode that stays while it is open, in a file system that opens no other file for it.
    fd = os.memfd_create("dialect")
    for _ in range(3):
        os.close(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY))
    t.true(out[ct.c_int(0)].value >= 3, "the storage does not count")


@row("§4 BPF_INODE_STORAGE", "tables/inode_storage.c", "define:BPF_INODE_STORAGE", "lsm")
def inode_storage(t: T) -> None:
    opens(t, "opens", 28)


@row("§4 BPF_TASK_STORAGE", "tables/task_storage.c", "define:BPF_TASK_STORAGE", "lsm")
def task_storage(t: T) -> None:
    opens(t, "opens", 29)


def established(t: T, b: object, fn: str = "prog") -> tuple[socket.socket, socket.socket]:
    """A TCP connection made while a sock_ops program is attached to this process's group."""
    from bcc import BPF, BPFAttachType

    kernel.own_network()
    with kernel.own_cgroup() as group:
        fd = os.open(group, os.O_RDONLY)
        program = b.load_func(fn.encode(), BPF.SOCK_OPS)
        BPF.attach_func(program, fd, BPFAttachType.CGROUP_SOCK_OPS)
        listener = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        BPF.detach_func(program, fd, BPFAttachType.CGROUP_SOCK_OPS)
        os.close(fd)
    return client, server


def holds(t: T, b: object, name: bytes, key: bytes, other: bytes) -> None:
    """A socket map has a socket under one key and none under another."""
    # Maps with 4-byte values cannot be looked up from here; taking out tells as well.
    fd = t.fd(b, name)
    t.equal((kernel.delete(fd, key), kernel.delete(fd, other)), (True, False), "sockets in the map")


@row("§4 BPF_SOCKMAP", "tables/sockmap.c", "define:BPF_SOCKMAP")
def sockmap(t: T) -> None:
    b = t.load()
    shape(t, b, "sockets", 15, 4, 4, 8)
    _ends = established(t, b)
    holds(t, b, b"sockets", struct.pack("I", 3), struct.pack("I", 2))


@row("§4 BPF_SOCKHASH", "tables/sockhash.c", "define:BPF_SOCKHASH")
def sockhash(t: T) -> None:
    b = t.load()
    shape(t, b, "one", 18, 4, 4, 10240)
    shape(t, b, "two", 18, 8, 4, 10240)
    shape(t, b, "three", 18, 8, 4, 6)
    _ends = established(t, b)
    holds(t, b, b"three", struct.pack("Q", 31), struct.pack("Q", 30))


@row("§4 BPF_CGROUP_STORAGE", "tables/cgroup_storage.c", "define:BPF_CGROUP_STORAGE")
def cgroup_storage(t: T) -> None:
    b = t.load()
    shape(t, b, "seen", 19, 16, 8, 0)
    t.packet(b, "prog", FRAME, "CGROUP_SKB", repeat=4)
    t.equal(t.out(b, 0), 4)


@row(
    "§4 BPF_PERCPU_CGROUP_STORAGE",
    "tables/percpu_cgroup_storage.c",
    "define:BPF_PERCPU_CGROUP_STORAGE",
)
def percpu_cgroup_storage(t: T) -> None:
    b = t.load()
    shape(t, b, "seen", 21, 16, 8, 0)
    t.packet(b, "prog", FRAME, "CGROUP_SKB", repeat=4)
    t.true(t.out(b, 0) in (2, 4, 6, 8), "no count in the storage")


@row("§4 BPF_QUEUE", "tables/queue.c", "define:BPF_QUEUE")
def queue(t: T) -> None:
    b = t.load()
    shape(t, b, "three", 22, 0, 4, 4)
    shape(t, b, "four", 22, 0, 4, 4)
    t.equal(t.raw(b, "prog"), 1, "first in, first out")
    t.equal(b[b"three"].pop().value, 2)


@row("§4 BPF_STACK", "tables/stack.c", "define:BPF_STACK")
def stack(t: T) -> None:
    b = t.load()
    shape(t, b, "three", 23, 0, 4, 4)
    t.equal(t.raw(b, "prog"), 2, "last in, first out")
    t.equal(b[b"three"].pop().value, 1)


@row("§4 BPF_QUEUESTACK and its kin", "tables/queuestack.c", "define:BPF_QUEUESTACK")
def queuestack(t: T) -> None:
    kernel.own_bpffs()
    b = t.load()
    for name, kind in {"items": 22, "pinned_items": 23, "public_items": 22}.items():
        shape(t, b, name, kind, 0, 16, 4)
    t.raw(b, "prog")
    t.true(os.path.exists("/sys/fs/bpf/dialect/items"), "not pinned")
    for name in (b"items", b"pinned_items", b"public_items", b"shared_items"):
        item = b[name].pop()
        t.equal((item.a, item.b), (5, 6), name.decode())


@row("§4 constant expressions in sizes", "tables/constants.c", "emit:sizes")
def constants(t: T) -> None:
    b = t.load(N=4)
    sizes = {"define": 4, "shift": 16, "sizeof": 32, "enum": 7, "power": 128}
    for name, entries in sizes.items():
        shape(t, b, f"by_{name}", ARRAY, 4, 8, entries)
    shape(t, b, "by_condition", HASH, 4, 8, 11)


KINDS = {
    "hash": 1, "array": 2, "prog": 3, "perf_output": 4, "perf_array": 4, "percpu_hash": 5,
    "percpu_array": 6, "stacktrace": 7, "cgroup_array": 8, "lru_hash": 9, "lru_percpu_hash": 10,
    "devmap": 14, "cpumap": 16, "xskmap": 17,
}  # fmt: skip


@row("§5 kinds and map types", "tables/table.c", "kind:hash")
def kinds(t: T) -> None:
    tables = []
    for kind in KINDS:
        key = "int" if kind in ("array", "percpu_array") else "u32"
        leaf = "struct bpf_stacktrace" if kind == "stacktrace" else "u32"
        tables.append(f'BPF_TABLE("{kind}", {key}, {leaf}, t_{kind}, 4);')
    b = t.load(text="\n".join(tables).encode())
    for kind, number in KINDS.items():
        t.equal(t.info(b, f"t_{kind}".encode()).type, number, kind)


@row("§6 inner maps first, whatever the order", "tables/array_of_maps.c", "kind:array_of_maps")
def inner_first(t: T) -> None:
    lines = t.text().split(b"\n")
    lines[0], lines[1] = lines[1], lines[0]
    b = t.load(text=b"\n".join(lines))
    t.equal(t.info(b, b"outer").type, 12, "type of the outer map")
    message = t.fails(text=b'BPF_ARRAY_OF_MAPS(outer, "nowhere", 3);')
    t.says(message, "nowhere")


@row("§6 names are cut to 15 characters", "tables/table.c", "define:BPF_TABLE")
def map_names(t: T) -> None:
    b = t.load(text=b'BPF_TABLE("hash", u32, u64, a_table_with_a_long_name, 4);')
    t.equal(t.info(b, b"a_table_with_a_long_name").name, "a_table_with_a_")
