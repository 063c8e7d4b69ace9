"""What a kernel has, looked up in its BTF: functions, types, members, and layouts of tracepoints."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

INT, PTR, ARRAY, STRUCT, UNION, ENUM = 1, 2, 3, 4, 5, 6
TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, TYPE_TAG, ENUM64 = 8, 9, 10, 11, 12, 18, 19
# Bytes behind each kind's twelve: for itself, and per member.
EXTRA = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0),
         15: (0, 12), 17: (4, 0), 19: (0, 12)}  # fmt: skip
# Events that share their layout, by the class they may have on some kernel.
CLASSES = {
    "block_io_start": ["block_rq"], "block_io_done": ["block_rq"],
    "block_rq_issue": ["block_rq"], "block_rq_insert": ["block_rq"],
    "block_rq_complete": ["block_rq_completion"],
    "softirq_entry": ["softirq"], "softirq_exit": ["softirq"],
    "kfree": ["kmem_free"], "kmem_cache_free": ["kmem_free"],
    "kmalloc": ["kmem_alloc"], "kmem_cache_alloc": ["kmem_alloc"],
    "kmalloc_node": ["kmem_alloc_node"], "kmem_cache_alloc_node": ["kmem_alloc_node"],
    "sched_process_exit": ["sched_process_template"],
    "sock_send_length": ["sock_msg_length"], "sock_recv_length": ["sock_msg_length"],
    "writeback_dirty_folio": ["writeback_folio_template"],
    "mm_filemap_add_to_page_cache": ["mm_filemap_op_page_cache"],
    "block_dirty_buffer": ["block_buffer"],
    "sched_wakeup": ["sched_wakeup_template"], "sched_wakeup_new": ["sched_wakeup_template"],
}  # fmt: skip


class UnknownClass(Exception):
    """A tracepoint is there, and CLASSES does not say how it is laid out."""


@dataclass(frozen=True)
class Type:
    """One record: `size` is a type's id for kinds that have none."""

    name: str
    kind: int
    size: int
    at: int
    members: int


class Btf:
    """The types of one kernel."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        _, _, _, head, types, length, strings, _ = struct.unpack_from("<HBBIIIII", data)
        self.strings = head + strings
        self.places = [0]
        self.by_name: dict[tuple[str, int], int] = {}
        at, end = head + types, head + types + length
        while at < end:
            name, info, _ = struct.unpack_from("<III", data, at)
            kind, count = info >> 24 & 0x1F, info & 0xFFFF
            if name:
                self.by_name.setdefault((self._string(name), kind), len(self.places))
            self.places.append(at)
            own, each = EXTRA.get(kind, (0, 0))
            at += 12 + own + each * count

    def _string(self, offset: int) -> str:
        start = self.strings + offset
        return self.data[start : self.data.index(b"\0", start)].decode()

    def type(self, number: int) -> Type | None:
        """A record by its id; None is `void`."""
        if not number:
            return None
        at = self.places[number]
        name, info, size = struct.unpack_from("<III", self.data, at)
        return Type(self._string(name), info >> 24 & 0x1F, size, at + 12, info & 0xFFFF)

    def find(self, name: str, *kinds: int) -> Type | None:
        """The first type of a name."""
        found = (self.by_name.get((name, kind)) for kind in kinds)
        return next((self.type(number) for number in found if number), None)

    def function(self, name: str) -> bool:
        """Whether the kernel has a function of its own of that name."""
        return (name, FUNC) in self.by_name

    def functions(self, pattern: bytes) -> list[bytes]:
        """Names of functions that match as a whole."""
        match = re.compile(pattern.decode()).fullmatch
        return [name.encode() for name, kind in self.by_name if kind == FUNC and match(name)]

    def members(self, type_: Type) -> list[tuple[str, int, int]]:
        """Name, type and offset in bits of a struct's members."""
        found = []
        for index in range(type_.members):
            name, kind, offset = struct.unpack_from("<III", self.data, type_.at + 12 * index)
            found.append((self._string(name), kind, offset & 0xFFFFFF))
        return found

    def has_member(self, tag: str, member: str) -> int:
        """1 or 0; -1 when there is no such struct."""
        type_ = self.find(tag, STRUCT)
        return -1 if type_ is None else int(self._within(type_, member))

    def _within(self, type_: Type, member: str) -> bool:
        for name, kind, _ in self.members(type_):
            inner = self.type(kind)
            if name == member or (
                not name and inner and inner.kind in (STRUCT, UNION) and self._within(inner, member)
            ):
                return True
        return False

    def tracepoint(self, event: str) -> bool:
        """Whether the kernel has an event (not of a system call) of that name."""
        return (f"btf_trace_{event}", TYPEDEF) in self.by_name

    def format(self, event: str) -> str | None:
        """The `field:` lines of a tracepoint; None when the kernel has no such event."""
        if not self.tracepoint(event):
            return None
        for name in (event, *CLASSES.get(event, ())):
            if type_ := self.find(f"trace_event_raw_{name}", STRUCT):
                return self._fields(type_)
        raise UnknownClass(event)

    def _fields(self, type_: Type) -> str:
        lines = [
            "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;",
            "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;",
            "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;",
            "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;",
        ]
        for name, kind, offset in self.members(type_):
            declared, size, signed = self._declaration(kind, name)
            if name not in ("ent", "__data"):
                lines.append(
                    f"\tfield:{declared};\toffset:{offset // 8};\tsize:{size};\tsigned:{signed:d};"
                )
        return "\n".join(lines) + "\n"

    def _declaration(self, number: int, name: str) -> tuple[str, int, bool]:
        """A member's C, its size and whether it is signed, as format files say them."""
        if name.startswith("__data_loc_"):
            return f"__data_loc char[] {name.removeprefix('__data_loc_')}", 4, False
        type_ = self.type(number)
        assert type_, name
        if type_.kind in (CONST, VOLATILE, RESTRICT, TYPE_TAG):
            return self._declaration(type_.size, name)
        if type_.kind == ARRAY:
            element, _, count = struct.unpack_from("<III", self.data, type_.at)
            declared, size, signed = self._declaration(element, name)
            return f"{declared}[{count}]", size * count, signed
        if type_.kind == PTR:
            return f"void * {name}", 8, False
        if type_.kind == TYPEDEF:
            _, size, signed = self._declaration(type_.size, name)
            return f"{type_.name} {name}", size, signed
        if type_.kind == INT:
            encoding = struct.unpack_from("<I", self.data, type_.at)[0]
            return f"{type_.name} {name}", type_.size, bool(encoding >> 24 & 1)
        tag = {STRUCT: "struct", UNION: "union"}.get(type_.kind)
        return f"{tag} {type_.name} {name}" if tag else f"int {name}", type_.size, not tag
