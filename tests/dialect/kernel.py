"""The kernel asked directly: bpf(2), namespaces, control groups.

What a row checks must not come from the code under test, so descriptors are looked at and programs
are run here with plain system calls.
"""

from __future__ import annotations

import contextlib
import ctypes as ct
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NR_BPF = 321
BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_PROG_ATTACH = 1, 2, 3, 8
BPF_PROG_TEST_RUN, BPF_OBJ_GET_INFO_BY_FD = 10, 15
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

libc = ct.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ct.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def bpf(command: int, attr: bytearray, what: str) -> int:
    """One bpf(2) call; `attr` is read and written."""
    buffer = (ct.c_char * len(attr)).from_buffer(attr)
    return _checked(libc.syscall(NR_BPF, command, buffer, len(attr)), what)


@dataclass(frozen=True)
class MapInfo:
    """What the kernel says about a map."""

    type: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int
    name: str
    btf_key: int
    btf_value: int


def _info(fd: int, size: int) -> bytes:
    info = ct.create_string_buffer(size)
    attr = bytearray(struct.pack("IIQ", fd, size, ct.addressof(info)))
    bpf(BPF_OBJ_GET_INFO_BY_FD, attr, "object info")
    return info.raw


def map_info(fd: int) -> MapInfo:
    """Asks for BPF_OBJ_GET_INFO_BY_FD of a map."""
    raw = _info(fd, 88)
    kind, _id, key, value, entries, flags = struct.unpack_from("6I", raw)
    name = raw[24:40].split(b"\0")[0].decode()
    btf_key, btf_value = struct.unpack_from("II", raw, 68)
    return MapInfo(kind, key, value, entries, flags, name, btf_key, btf_value)


def prog_name(fd: int) -> str:
    """A loaded program's name."""
    return _info(fd, 96)[64:80].split(b"\0")[0].decode()


def prog_type(fd: int) -> int:
    """A loaded program's type."""
    return struct.unpack_from("I", _info(fd, 96))[0]


def lookup(fd: int, key: bytes, size: int) -> bytes:
    """One element, read without the library."""
    k, v = ct.create_string_buffer(key, max(len(key), 1)), ct.create_string_buffer(size)
    attr = bytearray(struct.pack("IIQQQ", fd, 0, ct.addressof(k), ct.addressof(v), 0))
    bpf(BPF_MAP_LOOKUP_ELEM, attr, "map lookup")
    return v.raw


def delete(fd: int, key: bytes) -> bool:
    """Removes one element without the library; whether there was one."""
    k = ct.create_string_buffer(key, len(key))
    attr = bytearray(struct.pack("IIQQQ", fd, 0, ct.addressof(k), 0, 0))
    try:
        bpf(BPF_MAP_DELETE_ELEM, attr, "map delete")
    except OSError:
        return False
    return True


def update(fd: int, key: bytes, value: bytes) -> None:
    """One element, written without the library."""
    k = ct.create_string_buffer(key, len(key))
    v = ct.create_string_buffer(value, len(value))
    attr = bytearray(struct.pack("IIQQQ", fd, 0, ct.addressof(k), ct.addressof(v), 0))
    bpf(BPF_MAP_UPDATE_ELEM, attr, "map update")


def run(fd: int, data: bytes = b"", ctx: bytes = b"", repeat: int = 0) -> tuple[int, bytes]:
    """BPF_PROG_TEST_RUN: the program's return value as a signed int, and the packet after it."""
    source = ct.create_string_buffer(data, max(len(data), 1))
    out = ct.create_string_buffer(len(data) + 512)
    context = ct.create_string_buffer(ctx, max(len(ctx), 1))
    attr = bytearray(
        struct.pack(
            "IIIIQQIIIIQQIII4x",
            fd, 0, len(data), len(out) if data else 0,
            ct.addressof(source) if data else 0, ct.addressof(out) if data else 0,
            repeat, 0, len(ctx), 0, ct.addressof(context) if ctx else 0, 0, 0, 0, 0,
        )
    )  # fmt: skip
    bpf(BPF_PROG_TEST_RUN, attr, "test run")
    retval, _, size = struct.unpack_from("iII", attr, 4)
    return retval, out.raw[:size]


def prog_attach(target: int, prog: int, kind: int) -> None:
    """BPF_PROG_ATTACH."""
    bpf(BPF_PROG_ATTACH, bytearray(struct.pack("IIIII", target, prog, kind, 0, 0)), "attach")


def own_network() -> None:
    """Moves this process into a network namespace of its own, with lo up."""
    _checked(libc.unshare(CLONE_NEWNET), "unshare")
    import fcntl
    import socket

    with socket.socket() as s:
        IFF_UP, SIOCSIFFLAGS = 1, 0x8914
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))


def own_bpffs() -> None:
    """Mounts an empty bpffs on /sys/fs/bpf that only this process sees."""
    _checked(libc.unshare(CLONE_NEWNS), "unshare")
    _checked(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount private")
    _checked(libc.mount(b"bpf", b"/sys/fs/bpf", b"bpf", 0, None), "mount bpffs")


def cgroup2_root() -> Path:
    """Where the unified control group tree is mounted."""
    for line in Path("/proc/mounts").read_text().splitlines():
        words = line.split()
        if words[2] == "cgroup2":
            return Path(words[1])
    raise RuntimeError("no cgroup2 is mounted")


@contextlib.contextmanager
def own_cgroup(inside: bool = True) -> Iterator[Path]:
    """A new control group, with this process in it while the body runs."""
    root = cgroup2_root()
    group = root / f"dialect-{os.getpid()}"
    group.mkdir()
    try:
        if inside:
            (group / "cgroup.procs").write_text(str(os.getpid()))
        yield group
    finally:
        (root / "cgroup.procs").write_text(str(os.getpid()))
        group.rmdir()
