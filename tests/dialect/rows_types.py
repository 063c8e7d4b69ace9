"""§18 types handed on: what Python reads is what C wrote."""

from __future__ import annotations

import ctypes as ct

from harness import T, row

ONE = ct.c_uint(1)


@row("§18 scalars", "types/scalars.c", "types:scalar")
def scalars(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    want = {
        "char": b"c", "s8": b"\xfd", "u8": 200, "s16": -300, "u16": 60000, "s32": -70000,
        "u32": 4000000000, "s64": -5000000000, "u64": 1 << 63, "long": -6, "bool": True,
        "size": 17, "pid": -1,
    }  # fmt: skip
    got = {name: b[b"h_" + name.encode()][ONE].value for name in want}
    if got["s8"] == -3:  # c_byte: as good as c_char
        got["s8"] = b"\xfd"
    t.equal(got, want, "leaves")


@row("§18 nested structs", "types/nested.c", "types:record")
def nested(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    h = b[b"h"]
    leaf = h[h.Key(a=1, b=2)]
    got = (leaf.head, getattr(leaf, "in").a, getattr(leaf, "in").b, leaf.many[1].a, leaf.many[1].b)
    t.equal((*got, leaf.tail), (3, 4, 5, 6, 7, 8))
    t.equal(ct.sizeof(h.Leaf), 40, "size")


@row("§18 anonymous members", "types/anonymous.c", "types:anonymous")
def anonymous(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    leaf = b[b"h"][ONE]
    t.equal((leaf.kind, leaf.v4, leaf.low, leaf.high, leaf.tail), (4, 0x01020304, 5, 6, 7))
    t.equal(bytes(leaf.v6)[:4], b"\x04\x03\x02\x01", "the union's other member")


@row("§18 packed structs", "types/packed.c", "types:record")
def packed(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    leaf = b[b"h"][ONE]
    t.equal((leaf.a, leaf.b, leaf.c, leaf.d, ct.sizeof(leaf)), (1, 2, 3, 4, 15))


@row("§18 bit-fields", "types/bit_fields.c", "types:bit_fields")
def bit_fields(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    leaf = b[b"h"][ONE]
    got = (leaf.a, leaf.b, leaf.c, leaf.d, leaf.e, ct.sizeof(leaf))
    t.equal(got, (5, 100, 0x2ABCDE, 9, 21, 24))


@row("§18 arrays", "types/arrays.c", "types:array")
def arrays(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    leaf = b[b"h"][ONE]
    t.equal(leaf.name, b"name")
    t.equal((list(leaf.bytes), list(leaf.numbers)), ([1, 2, 3], [4, 5, 6, 7]))
    t.equal(ct.sizeof(leaf), 44, "size")
    grid = bytes(leaf)[32:44]
    t.equal(list(memoryview(grid).cast("H")), [8, 9, 10, 11, 12, 13], "all of the inner dimension")


@row("§18 enums", "types/enums.c", "types:enum")
def enums(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    ((key, leaf),) = b[b"h"].items()
    t.equal((key.value, leaf.first, leaf.second), (5, 6, 3))


@row("§18 128-bit integers", "types/int128.c", "types:int128")
def int128(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    leaf = b[b"h"][ONE]
    t.equal((leaf.head, list(leaf.wide), list(leaf.uwide)), (1, [3, 2], [5, 4]))
    t.equal(ct.sizeof(leaf), 48, "size")


@row("§18 pointers", "types/pointers.c", "types:pointer")
def pointers(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    leaf = b[b"h"][ONE]
    t.equal((leaf.address, leaf.next, leaf.after), (0x1234, 0x5678, 9))


@row("§18 padding", "types/padding.c", "types:record")
def padding(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    ((key, leaf),) = b[b"h"].items()
    t.equal((key.a, key.b, key.c, ct.sizeof(key)), (1, 2, 3, 24))
    t.equal((leaf.a, leaf.b, ct.sizeof(leaf)), (4, b"x", 16))


@row("§18 unions", "types/union.c", "types:record")
def union(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    leaf = b[b"h"][ONE]
    t.equal((leaf.word, list(leaf.bytes)), (0x04030201, [1, 2, 3, 4]))
    t.true(issubclass(b[b"h"].Leaf, ct.Union), "the leaf is no union")


@row("§18 types that name themselves", "types/self_reference.c", "types:record")
def self_reference(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    ((key, leaf),) = b[b"h"].items()
    t.equal((key.value, leaf.list, ct.sizeof(leaf)), (77, 77, 8))


@row("§18 events", "types/event.c", "parse:events")
def event(t: T) -> None:
    b = t.load()
    got = t.decoded(b, lambda: t.raw(b, "prog"))
    got["many"] = list(got["many"])
    want = {
        "c": b"q", "byte": 255, "small": -2, "number": 3, "big": 4, "many": [0, 0, 5],
        "comm": b"event", "address": 6,
    }  # fmt: skip
    t.equal(got, want, "event()")
