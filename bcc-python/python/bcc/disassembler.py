"""Instructions and table layouts as text."""

import ctypes as ct
from ctypes import Structure, c_int16, c_int32, c_uint8

from . import _native
from .ctype import str2ctype
from .table import map_type_name


class BPFInstrFields(Structure):
    """One instruction's fields."""

    _pack_ = 1
    _fields_ = [
        ("opcode", c_uint8),
        ("dst", c_uint8, 4),
        ("src", c_uint8, 4),
        ("offset", c_int16),
        ("imm", c_int32),
    ]


class BPFInstr(ct.Union):
    """One instruction: its fields, or 8 bytes."""

    _pack_ = 1
    _fields_ = [("s", BPFInstrFields), ("instr", ct.c_uint64)]


class BPFDecoder:
    """Text of single instructions."""

    bpf_helpers = _native.helper_names()

    @classmethod
    def decode(cls, i, w, w1):
        """Text of instruction number `i`: (text, 1 if it is two words long else 0).

        `w` and `w1` are its first and second 8 bytes as integers.
        """
        raw = (w & (2**64 - 1)).to_bytes(8, "little") + (w1 & (2**64 - 1)).to_bytes(8, "little")
        return _native.disassemble_instruction(i, raw)


def disassemble_instruction(i, w0, w1=0):
    """Text of instruction number `i`: (text, 1 if it is two words long else 0)."""
    return BPFDecoder.decode(i, w0, w1)


def disassemble_str(bpfstr):
    """List of text lines, one per instruction."""
    return _native.disassemble(bpfstr)


def disassemble_prog(func_name, bpfstr):
    """Text of a whole program, under a header line."""
    if isinstance(func_name, bytes):
        func_name = func_name.decode()
    lines = ["Disassemble of BPF program %s:" % func_name, *disassemble_str(bpfstr)]
    return "\n".join(lines)


# `long` and `long long` are one class: the later, wider spelling is right everywhere.
_SPELLINGS = {cls: name for name, cls in str2ctype.items() if name not in ("signed char", "void")}


def _type_name(cls):
    return _SPELLINGS.get(cls, cls.__name__)


def _layout(cls, name, indent, offset, sizeinfo):
    size = f"  # {offset:#06x}..{offset + ct.sizeof(cls):#06x}" if sizeinfo else ""
    lengths = ""
    while isinstance(cls, type) and issubclass(cls, ct.Array):
        lengths += f"[{cls._length_}]"
        cls = cls._type_
    if not issubclass(cls, (ct.Structure, ct.Union)):
        yield f"{indent}{_type_name(cls)} {name}{lengths};{size}"
        return
    kind = "union" if issubclass(cls, ct.Union) else "struct"
    yield f"{indent}{kind} {cls.__name__} {{".replace("  {", " {")
    for field in cls._fields_:
        place = getattr(cls, field[0])
        if len(field) > 2:
            yield f"{indent}  {_type_name(field[1])} {field[0]}:{field[2]};"
        else:
            yield from _layout(field[1], field[0], indent + "  ", offset + place.offset, sizeinfo)
    yield f"{indent}}} {name}{lengths};{size}"


class MapDecoder:
    """Layouts of keys and leaves as text."""

    @classmethod
    def decode_map(cls, map_name, map_obj, map_type, sizeinfo=False):
        """Text of a table's layout: its type, then key and value as C."""
        if isinstance(map_name, bytes):
            map_name = map_name.decode()
        kind = map_type_name.get(map_type, map_type)
        head = f"Layout of BPF map {map_name} (type {kind}, FD {map_obj.map_fd}, ID {map_obj.map_id}):"
        lines = [head]
        if hasattr(map_obj, "Key"):
            lines += _layout(map_obj.Key, "key", "  ", 0, sizeinfo)
        lines += _layout(map_obj.Leaf, "value", "  ", 0, sizeinfo)
        return "\n".join(lines)


def decode_map(map_name, map_obj, map_type, sizeinfo=False):
    """Text of a table's layout: key, then value, a line per field; `sizeinfo` adds byte ranges."""
    return MapDecoder.decode_map(map_name, map_obj, map_type, sizeinfo)
