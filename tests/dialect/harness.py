"""Rows: one named behaviour of the dialect each, and what a row has to show it."""

from __future__ import annotations

import contextlib
import ctypes as ct
import os
import re
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kernel

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE.parent / "programs"
# Bounds a failure; nothing waits for it when things work.
DEADLINE = 20.0

U64x6 = [ct.c_uint64] * 6
PROBED = kernel.libc.llabs
PROBED.argtypes, PROBED.restype = U64x6, ct.c_int64


class Missing(Exception):
    """What a row shows is not so."""


@dataclass(frozen=True)
class Row:
    """A behaviour, the program that shows it, and the code without which it must fail."""

    name: str
    program: str
    check: Callable[[T], None]
    off: str
    needs: frozenset[str] = frozenset()


ROWS: list[Row] = []


def row(name: str, program: str, off: str, needs: str = "") -> Callable[[Callable[[T], None]], Any]:
    """Registers a check under a row's name.

    `off` names what `--mutate` switches off. `needs` are features that not every kernel has.
    """

    def register(check: Callable[[T], None]) -> Callable[[T], None]:
        ROWS.append(Row(name, program, check, off, frozenset(needs.split())))
        return check

    return register


def features() -> frozenset[str]:
    """What this kernel can do, of the words that rows use in `needs`."""
    have = set() if "BCC_COMPILE_SPOOL" in os.environ else {"native"}
    if Path("/sys/bus/event_source/devices/kprobe").exists():
        # Trampolines and kprobes come together in the kernels that the rows run on.
        have |= {"kprobe", "fentry"}
    with contextlib.suppress(OSError):
        if "bpf" in Path("/sys/kernel/security/lsm").read_text().split(","):
            have.add("lsm")
    release = tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])
    have |= {f"{major}.{minor}" for major, minor in SINCE if release >= (major, minor)}
    if Path("/sys/module/veth/sections").exists() or os.path.exists("/usr/sbin/modprobe"):
        have.add("modules") if "kprobe" in have else None
    return frozenset(have)


SINCE = [(6, 2), (6, 12), (6, 18)]


@dataclass
class T:
    """One run of a row, in a process of its own."""

    row: Row
    mutate: bool = False
    pid: int = field(default_factory=os.getpid)
    modules: list[Any] = field(default_factory=list)

    # -- compiling and loading

    def text(self, program: str | None = None) -> bytes:
        """A program's source."""
        return (PROGRAMS / (program or self.row.program)).read_bytes()

    def load(
        self, program: str | None = None, text: bytes | None = None, cflags: Any = (),
        bpf: dict[str, Any] | None = None, **defines: Any,
    ) -> Any:  # fmt: skip
        """`BPF(text=…)` of the row's program, with `-D` for each keyword."""
        from bcc import BPF

        flags = [*cflags, *(f"-D{name}={value}" for name, value in defines.items())]
        if self.mutate:
            flags.append(f"-DBCC_MUTATE={self.row.off}")
        if text is None:
            text = self.text(program)
        module = BPF(text=text, cflags=flags, **(bpf or {}))
        self.modules.append(module)
        return module

    def fails(self, text: bytes | None = None, **more: Any) -> str:
        """The message with which a program is refused."""
        try:
            self.load(text=text, **more)
        except Exception as why:
            return f"{why}\n{self.output()}"
        raise Missing("compiled and loaded without an error")

    def output(self) -> str:
        """All that this process has written to stdout and stderr so far."""
        return os.pread(2, 1 << 22, 0).decode(errors="replace")

    # -- running

    def raw(self, module: Any, name: str, *args: int) -> int:
        """Runs a program as a raw tracepoint with these arguments."""
        from bcc import BPF

        fd = module.load_func(name.encode(), BPF.RAW_TRACEPOINT).fd
        context = struct.pack("12Q", *([a & (1 << 64) - 1 for a in args] + [0] * (12 - len(args))))
        return kernel.run(fd, ctx=context)[0]

    def packet(
        self, module: Any, name: str, data: bytes, kind: str = "SCHED_CLS", repeat: int = 1
    ) -> tuple[int, bytes]:
        """Runs a program on a packet."""
        from bcc import BPF

        fd = module.load_func(name.encode(), getattr(BPF, kind)).fd
        return kernel.run(fd, data=data, repeat=repeat)

    def probe(self, module: Any, name: str, *args: int, on_return: bool = False) -> int:
        """Runs a kprobe program on a call of a function of this process with these arguments."""
        attach = module.attach_uretprobe if on_return else module.attach_uprobe
        detach = module.detach_uretprobe if on_return else module.detach_uprobe
        attach(name=b"c", sym=b"llabs", fn_name=name.encode(), pid=self.pid)
        try:
            return PROBED(*(list(args) + [0] * (6 - len(args))))
        finally:
            detach(name=b"c", sym=b"llabs", pid=self.pid)

    def current(self) -> int:
        """Address of this process's task_struct."""
        from bcc import BPF

        text = b"""BPF_ARRAY(out, u64, 1);
        int prog(void *ctx) {
            int at = 0; u64 v = bpf_get_current_task();
            return bpf_map_update_elem(&out, &at, &v, 0);
        }"""
        module = BPF(text=text)
        self.modules.append(module)
        self.raw(module, "prog")
        return int(module[b"out"][0].value)

    # -- reading

    def out(self, module: Any, *indexes: int, table: bytes = b"out") -> Any:
        """Values of an array of 64-bit numbers."""
        values = [module[table][ct.c_int(i)].value for i in indexes]
        return values if len(values) > 1 else values[0]

    def info(self, module: Any, name: bytes) -> kernel.MapInfo:
        """What the kernel says about a table."""
        return kernel.map_info(self.fd(module, name))

    def fd(self, module: Any, name: bytes) -> int:
        """Descriptor of a table, whatever its type."""
        return int(module.module.map(name).fd)

    def perf_events(self, module: Any, trigger: Callable[[], Any], count: int = 1) -> list[bytes]:
        """Raw samples of the perf buffer `events`."""
        got: list[bytes] = []
        lost: list[int] = []
        module[b"events"].open_perf_buffer(
            lambda _cpu, data, size: got.append(ct.string_at(data, size)), lost_cb=lost.append
        )
        trigger()
        self.until(lambda: len(got) >= count or lost, lambda: module.perf_buffer_poll(1000))
        self.equal(lost, [], "lost samples")
        return got

    def ring_events(self, module: Any, trigger: Callable[[], Any], count: int = 1) -> list[bytes]:
        """Records of the ring buffer `events`."""
        got: list[bytes] = []

        def callback(_ctx: Any, data: int, size: int) -> int:
            got.append(ct.string_at(data, size))
            return 0

        module[b"events"].open_ring_buffer(callback)
        trigger()
        self.until(lambda: len(got) >= count, lambda: module.ring_buffer_poll(1000))
        return got

    def decoded(self, module: Any, trigger: Callable[[], Any], table: bytes = b"events") -> Any:
        """The first sample of a perf buffer, through `event()`."""
        got: list[Any] = []

        def callback(_cpu: int, data: int, _size: int) -> None:
            event = module[table].event(data)
            got.append({name: getattr(event, name) for name, *_ in event._fields_})

        module[table].open_perf_buffer(callback)
        trigger()
        self.until(lambda: got, lambda: module.perf_buffer_poll(1000))
        return got[0]

    # -- judging

    def until(self, done: Callable[[], Any], step: Callable[[], Any]) -> None:
        """Steps until done, which may not take long."""
        end = time.monotonic() + DEADLINE
        while not done():
            if time.monotonic() > end:
                raise Missing("no event came")
            step()

    def equal(self, got: Any, want: Any, what: str = "value") -> None:
        """Both are the same."""
        if got != want:
            raise Missing(f"{what} is {got!r}, not {want!r}")

    def true(self, condition: Any, what: str) -> None:
        """It is so."""
        if not condition:
            raise Missing(what)

    def says(self, text: str, *parts: str) -> None:
        """A message contains all of these."""
        for part in parts:
            if part not in text:
                raise Missing(f"no {part!r} in the message: {text.strip()[:600]}")


def s64(value: int) -> int:
    """An unsigned 64-bit number read as a signed one."""
    return value - (1 << 64) if value >= 1 << 63 else value


@contextlib.contextmanager
def open_file(name: str = "dialect-file") -> Iterator[int]:
    """A descriptor of a file with a known name in a directory of known name."""
    directory = Path(f"/tmp/dialect-{os.getpid()}")
    directory.mkdir()
    fd = os.open(directory / name, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        yield fd
    finally:
        os.close(fd)
        (directory / name).unlink()
        directory.rmdir()
