"""What a process holds in the kernel, asked of the kernel itself: the tests' word against a leak.

Ids of BPF objects are the whole machine's. One that is new and that another process holds is not
ours; one that nobody else holds must go, and programs and maps go a grace period after their end.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import time
from pathlib import Path

SYS_BPF = 321
# BPF_PROG_GET_NEXT_ID, BPF_MAP_GET_NEXT_ID, BPF_LINK_GET_NEXT_ID
NEXT_ID = {"program": 11, "map": 12, "link": 31}
# As /proc/PID/fdinfo names them.
FIELDS = {"prog_id": "program", "map_id": "map", "link_id": "link"}
DEADLINE = 60.0
TRACEFS = Path("/sys/kernel/tracing")
# Ours end in, or begin with, the process that made them; the next start removes those of the dead.
OF_A_PROCESS = re.compile(r"_bcc_(\d+)\b|\bbcc_(\d+)_\d+$")

_libc = ctypes.CDLL(None, use_errno=True)


def objects() -> set[tuple[str, int]]:
    """Every BPF object of the machine, as (kind, id)."""
    found = set()
    for kind, command in NEXT_ID.items():
        attr = (ctypes.c_uint32 * 3)()
        while _libc.syscall(SYS_BPF, command, attr, ctypes.sizeof(attr)) == 0:
            found.add((kind, attr[1]))
            attr[0] = attr[1]
    return found


def _parent(pid: str) -> str:
    # The name in parentheses may hold anything.
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1]


def _is_ours(pid: str) -> bool:
    """Whether it is this process or descends from it."""
    while pid not in ("0", "1"):
        if pid == str(os.getpid()):
            return True
        pid = _parent(pid)
    return False


def held_by_others() -> set[tuple[str, int]]:
    """BPF objects that processes hold which are not this one's children."""
    held = set()
    for process in os.scandir("/proc"):
        if not process.name.isdigit():
            continue
        try:
            if _is_ours(process.name):
                continue
            for entry in os.scandir(f"{process.path}/fd"):
                if not os.readlink(entry.path).startswith("anon_inode:bpf"):
                    continue
                info = Path(f"{process.path}/fdinfo/{entry.name}").read_text()
                for field, number in re.findall(r"^(\w+_id):\s*(\d+)$", info, re.MULTILINE):
                    if field in FIELDS:
                        held.add((FIELDS[field], int(number)))
        except OSError:  # it has ended, or has closed this one
            continue
    return held


def descriptors() -> dict[str, str]:
    """This process's own, and what each is."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # the one that listed the directory
            continue
    return found


def traced() -> set[str]:
    """Events and instances of tracefs, but for what other processes' names are on."""
    found = set()
    for file in ("kprobe_events", "uprobe_events"):
        # There is none without tracefs, and a kernel that is locked down shows none.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            found |= {f"{file}: {line}" for line in (TRACEFS / file).read_text(errors="replace").splitlines()}
    if (TRACEFS / "instances").exists():
        found |= {f"instance {entry}" for entry in os.listdir(TRACEFS / "instances")}
    return {entry for entry in found if not _of_another(entry)}


def _of_another(entry: str) -> bool:
    match = OF_A_PROCESS.search(entry)
    return match is not None and int(match[1] or match[2]) != os.getpid()


class Before:
    """What there was when it was made; `left` says what there is more of now."""

    def __init__(self) -> None:
        self.objects, self.traced, self.descriptors = objects(), traced(), descriptors()

    def left(self) -> list[str]:
        """A line for each thing that stays."""
        lines = [f"tracefs {entry}" for entry in sorted(traced() - self.traced)]
        suspects = objects() - self.objects
        end = time.monotonic() + DEADLINE
        wait = 0.001
        # Perf events of tracepoints are closed in a thread of their own.
        while (suspects := suspects & objects()) or self._descriptors_left("anon_inode:[perf_event]"):
            if wait > 0.1:
                suspects -= held_by_others()
            if time.monotonic() > end:
                break
            time.sleep(wait)
            wait = min(wait * 2, 0.5)
        lines += self._descriptors_left()
        return lines + [f"{kind} {number}" for kind, number in sorted(suspects)]

    def _descriptors_left(self, kind: str = "") -> list[str]:
        """Descriptors that are new, of one kind or of all."""
        return [
            f"descriptor {name}: {what}"
            for name, what in descriptors().items()
            if self.descriptors.get(name) != what and what.startswith(kind)
        ]
