"""Kernel images and initramfs archives: bytes in, bytes out, no processes."""

from __future__ import annotations

import ctypes
import gzip
import lzma
import re
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ELF_MAGIC = b"\x7fELF"


class Entry(NamedTuple):
    """One file of a cpio archive; `mode` holds the type bits as stat(2) has them."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def cpio(entries: Iterable[Entry]) -> bytes:
    """An archive in the "newc" format, padded so that another can follow it."""
    out: list[bytes] = []
    for inode, e in enumerate([*entries, Entry("TRAILER!!!", 0)], start=1):
        name = e.name.encode() + b"\0"
        fields = (inode, e.mode, 0, 0, 1, 0, len(e.data), 0, 0, *e.device, len(name), 0)
        header = b"070701" + b"".join(b"%08x" % f for f in fields) + name
        out.append(_pad4(header) + _pad4(e.data))
    data = b"".join(out)
    return data + b"\0" * (-len(data) % 512)


def _pad4(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def decompress(data: bytes, size: int | None = None) -> bytes:
    """Unpacks xz, gzip or zstd by its magic number; bytes after the stream are ignored.

    `size` is the unpacked length, needed only for zstd frames that do not state it.
    """
    if data[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return _zstd(data, size or len(data) * 20)
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    return data


def _zstd(data: bytes, size: int) -> bytes:
    # Python's library has no zstd before 3.14; every Debian has libzstd.
    lib = ctypes.CDLL("libzstd.so.1")
    for name in ("ZSTD_decompress", "ZSTD_findFrameCompressedSize"):
        getattr(lib, name).restype = ctypes.c_size_t
    frame = lib.ZSTD_findFrameCompressedSize(data, ctypes.c_size_t(len(data)))
    out = ctypes.create_string_buffer(size)
    got = lib.ZSTD_decompress(out, ctypes.c_size_t(size), data, ctypes.c_size_t(frame))
    if lib.ZSTD_isError(ctypes.c_size_t(got)):
        raise ValueError("damaged zstd stream")
    return out.raw[:got]


def vmlinux_of(bzimage: bytes) -> bytes:
    """The ELF kernel inside a bzImage. QEMU boots it through PVH, so that the guest need not
    unpack it under emulation."""
    setup_sectors = (bzimage[0x1F1] or 4) + 1
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = setup_sectors * 512 + offset
    payload = bzimage[start : start + length]
    (size,) = struct.unpack("<I", payload[-4:])
    if payload[:2] == b"\x1f\x8b":
        payload = payload[:-4]
    elf = decompress(payload, size)
    if not elf.startswith(ELF_MAGIC):
        raise ValueError("no ELF kernel inside the image")
    return elf


def elf_section(elf: bytes, name: bytes) -> bytes | None:
    """The content of one section of a 64-bit little-endian ELF file."""
    (table,) = struct.unpack_from("<Q", elf, 0x28)
    count, names_index = struct.unpack_from("<HH", elf, 0x3C)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, table + 64 * i) for i in range(count)]
    names = sections[names_index][4]
    for section in sections:
        at = names + section[0]
        if elf[at : elf.index(b"\0", at)] == name:
            return elf[section[4] : section[4] + section[5]]
    return None


def modules_in_order(tree: Path, wanted: Iterable[str]) -> list[Path]:
    """Files of the `wanted` modules below lib/modules/RELEASE, each after what it depends on.

    Built-in and unknown names are left out.
    """
    depends: dict[str, list[str]] = {}
    for line in (tree / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        depends[path] = needs.split()
    by_name = {_module_name(p): p for p in depends}
    order: list[str] = []
    for name in wanted:
        if name not in by_name:
            continue
        for path in [*reversed(depends[by_name[name]]), by_name[name]]:
            if path not in order:
                order.append(path)
    return [tree / p for p in order]


def _module_name(path: str) -> str:
    return re.sub(r"\.ko.*", "", path.rsplit("/", 1)[-1]).replace("-", "_")
