#!/usr/bin/env python3
"""Compiles every tool's C, in every variant that the tool would choose, for kernels not booted.

    x test targets [-- TOOL...]

Targets are the running kernel and Debian's 5.10, 6.1, 6.12, 6.18 and its newest, without the running
one's series, out of packages in the guests' cache directory, where missing ones go. A tool picks its
hooks by asking the Target, where each answer is a look-up in its BTF, so nothing that it picks may
fail to compile.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "headers"), str(HERE.parent / "vm")]

import image  # noqa: E402
import kernels  # noqa: E402
import packages  # noqa: E402
from btf import Btf  # noqa: E402
from variants import TOOLS, Tool  # noqa: E402

TRACEFS = Path("/sys/kernel/tracing/events")
ARGUMENT = re.compile(r"\bstruct tracepoint__([a-z0-9_]+?)__(\w+)|TRACEPOINT_PROBE\((\w+), *(\w+)\)")


@dataclass
class Target:
    """A kernel to compile for: its types to ask, and a snapshot of it for the compiler."""

    release: str
    btf: Btf
    snapshot: Path

    def add_format(self, category: str, event: str) -> None:
        """Writes an event's format, if this kernel has the event."""
        file = self.snapshot / "events" / category / event / "format"
        if file.exists():
            return
        if category == "syscalls":
            # The arguments of a system call are the same on every kernel that has it.
            text = None
            if self.btf.function("__x64_sys_" + event.split("_", 2)[2]):
                text = (TRACEFS / category / event / "format").read_text()
        else:
            text = self.btf.format(event)
        if text is not None:
            file.parent.mkdir(parents=True)
            file.write_text(text)


def running(scratch: Path) -> Target:
    """This machine's kernel, with the formats that it says itself."""
    release = os.uname().release
    snapshot = scratch / release
    subprocess.run([os.environ["BCC_COMPILER"], "capture", str(snapshot)], check=True)
    return Target(release, Btf(Path("/sys/kernel/btf/vmlinux").read_bytes()), snapshot)


def unpacked(package: packages.Package, scratch: Path) -> Target:
    """A kernel out of its packages."""
    boot, modules = package.root / "boot", package.root / "usr/lib/modules" / package.release
    packed = boot / f"vmlinuz-{package.release}"
    packed = packed if packed.exists() else modules / "vmlinuz"
    types = image.elf_section(image.vmlinux_of(packed.read_bytes()), b".BTF")
    if types is None:
        raise kernels.KernelError(f"{packed} has no BTF")
    snapshot = scratch / package.release
    (snapshot / "events").mkdir(parents=True)
    (snapshot / "vmlinux.btf").write_bytes(types)
    for config in (boot / f"config-{package.release}", modules / "config"):
        if config.exists():
            shutil.copy(config, snapshot / "config")
    facts = {
        "release": package.release, "arch": "x86_64", "build_id": hashlib.sha1(types).hexdigest(),
        "online_cpus": 2, "possible_cpus": 2, "page_size": 4096, "modules": modules,
    }  # fmt: skip
    (snapshot / "facts").write_text("".join(f"{k} {v}\n" for k, v in facts.items()))
    return Target(package.release, Btf(types), snapshot)


def targets(scratch: Path) -> tuple[list[Target], list[str]]:
    """All kernels, and those that could not be had, with the reason."""
    found, absent, answers = [running(scratch)], [], packages.Answers()
    for series in packages.SERIES:
        if series and kernels._fits(os.uname().release, series):
            continue
        try:
            found.append(unpacked(packages.fetch(series, answers), scratch))
        except (kernels.KernelError, ValueError) as why:
            absent.append(f"{series or 'newest'}: {str(why).strip().splitlines()[-1]}")
    return found, absent


def check(target: Target, tools: list[Tool], scratch: Path) -> list[str]:
    """Compiles all variants for one kernel; gives what failed."""
    directory = scratch / f"{target.release}.c"
    directory.mkdir()
    counts: Counter[str] = Counter()
    flags_of = {}
    for tool in tools:
        for text, flags, with_usdt in tool.variants(target.btf):
            if with_usdt:
                continue  # its readers are those of a process, not of a kernel
            counts[tool.name] += 1
            file = directory / f"{tool.name}.{counts[tool.name]}.c"
            defined = [f.removeprefix("-D").partition("=") for f in flags if f.startswith("-D")]
            lines = [f"#define {name} {value or 1}\n" for name, _, value in defined]
            file.write_text("".join(lines) + text)
            flags_of[file.name] = " ".join(flags)
            for one in ARGUMENT.findall(text):
                target.add_format(*(one[:2] if one[0] else one[2:]))
    files = sorted(path.name for path in directory.iterdir())
    command = [os.environ["BCC_COMPILER"], "time", "--target", str(target.snapshot), *files]
    done = subprocess.run(command, cwd=directory, check=True, stdout=subprocess.PIPE, text=True)
    answered = [line.split(" ", 1) for line in done.stdout.splitlines()]
    wrong = [rest for first, rest in answered if first == "error"]
    missing = set(files) - {rest.split(":")[0] for _, rest in answered}
    failures = [f"{rest.split(':')[0]} [{flags_of[rest.split(':')[0]]}] {rest}" for rest in wrong]
    failures += [f"{name}: the compiler said nothing" for name in missing]
    failures += [f"{t.name}: it compiled nothing" for t in tools if not counts[t.name]]
    for tool in tools:
        wanted = (f"{tool.name}.", f"{tool.name}:")
        result = "FAILED" if any(f.startswith(wanted) for f in failures) else "ok"
        print(f"test {target.release} {tool.name}, {counts[tool.name]} variants ... {result}")
    print(f"{target.release}: {len(files)} variants of {len(counts)} tools, {len(failures)} failed",
          flush=True)  # fmt: skip
    return [f"{target.release}: {failure}" for failure in failures]


def main() -> int:
    # tplist only lists; it has no program.
    names = sys.argv[1:] or sorted(path.stem for path in TOOLS.glob("*.py") if path.stem != "tplist")
    tools = [Tool(name) for name in names]
    with tempfile.TemporaryDirectory(prefix="bcc-targets-") as tmp:
        scratch = Path(tmp)
        with contextlib.chdir(tmp):
            found, absent = targets(scratch)
            failures = [line for target in found for line in check(target, tools, scratch)]
    for tool in tools:
        if tool.unused and not absent:
            failures.append(f"{tool.name}: nothing takes {', '.join(sorted(tool.unused))}")
    for line in failures:
        print(line)
    for line in absent:
        print(f"not run: {line}")
    return 1 if failures or absent else 0


if __name__ == "__main__":
    sys.exit(main())
