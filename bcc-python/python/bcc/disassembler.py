"""Instructions and table layouts as text."""

import ctypes as ct
from ctypes import Structure, c_int16, c_int32, c_uint8

from . import _native


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
    opcodes = _native.opcode_formats()

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


class MapDecoder:
    """Layouts of keys and leaves as text."""

    @classmethod
    def decode_map(cls, map_name, map_obj, map_type, sizeinfo=False):
        """Text of a table's layout."""
        if isinstance(map_name, bytes):
            map_name = map_name.decode()
        return map_obj._map.layout(map_name, bool(sizeinfo))


def decode_map(map_name, map_obj, map_type, sizeinfo=False):
    """Text of a table's layout: key, then leaf, a line per field; `sizeinfo` adds sizes."""
    return MapDecoder.decode_map(map_name, map_obj, map_type, sizeinfo)
