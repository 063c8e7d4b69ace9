"""What each bundled tool would compile on a kernel: its C and switches, for every way to call it.

A tool runs with a `BPF` that answers for the kernel by look-ups in its BTF, notes what it is asked
to compile and refuses it, so that the tool goes on to its next hook.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import itertools
import os
import re
import shlex
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from btf import Btf

TOOLS = Path(__file__).resolve().parents[2] / "tools"
# Arguments that a tool cannot do without.
BASE = {
    "argdist": ["-C", "p::do_sys_openat2(int dfd):int:dfd"],
    "funccount": ["vfs_*"],
    "funclatency": ["do_sys_openat2"],
    "stackcount": ["vfs_read"],
    "trace": ["do_sys_openat2"],
}
# Calls for switches that only certain values bring.
MORE = {
    "execsnoop": [["--max-args", "64"]],
    "funccount": [["t:syscalls:sys_enter_*"], ["-r", "t:syscalls:sys_enter_[a-m].*"]],
    "funclatency": [["-l", "5", "do_sys_openat2"], ["-l", "5", "-F", "do_sys_openat2"]],
    "offcputime": [["--state", "0"]],
}
# Switches that depend on where a tool runs.
PLACES = {"profile": ("-DOWN_NAMESPACE",)}
# Values of options; any other takes 1.
VALUES = {
    "--cgroupmap": "/sys/fs/bpf/none", "--mntnsmap": "/sys/fs/bpf/none", "--disk": "null",
    "--directory": "/tmp", "--pid": str(os.getpid()), "--tid": str(os.getpid()),
    "--library": "c", "--lib": "c", "--syscall": "read", "--errno": "ENOENT", "--shared": "c",
    "--caller": "pipe_", "--name": "main", "--line": "main", "--comm": "main", "--errors": "1",
    "--flag_filter": "O_WRONLY", "--obj": "c", "--include": "linux/fs.h", "--specifier": "",
    "--extra-lib": "openssl:/lib/none", "--cgroup-path": "/sys/fs/cgroup", "--sort": "all",
}  # fmt: skip
# These begin another program.
SKIPPED = {"--help", "--ebpf", "--exec", "--command"}


class Refused(Exception):
    """The kernel takes no program here."""


def asked(
    btf: Btf, real: type, noted: list[tuple[str, tuple[str, ...], bool]], tracepoints: bool
) -> type:
    """A `BPF` for tools to ask and to construct; without tracepoints for their next hooks."""

    def exists(category: str, event: str) -> bool:
        if not tracepoints:
            return False
        if category == "syscalls":
            return btf.function("__x64_sys_" + event.split("_", 2)[2])
        return btf.tracepoint(event)

    class Asked(real):  # type: ignore[misc, valid-type]
        def __init__(self, text: bytes = b"", cflags: Any = (), usdt_contexts: Any = (), **_: Any):
            noted.append((text.decode(), tuple(map(str, cflags)), bool(usdt_contexts)))
            raise Refused("noted")

        tracepoint_exists = staticmethod(exists)
        get_kprobe_functions = staticmethod(lambda pattern: set(btf.functions(pattern)))
        kernel_struct_has_field = staticmethod(
            lambda tag, member: btf.has_member(tag.decode(), member.decode())
        )
        support_kfunc = staticmethod(lambda: True)
        ksymname = staticmethod(lambda name: 1 if btf.function(name.decode()) else -1)

    return Asked


def switches_of(text: str) -> set[str]:
    """What the conditions of a tool's C ask for and the C does not define itself."""
    conditions = "\n".join(re.findall(r"^#(?:if|ifdef|ifndef|elif)\b.*", text, re.M))
    defined = set(re.findall(r"^#define (\w+)", text, re.M))
    preset = set(re.findall(r"^#ifndef (\w+)\n#define \1\b", text, re.M)) - {"PF_KTHREAD"}
    return set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", conditions)) - defined | preset


def module_of(name: str) -> ModuleType:
    """The tool as a module, not run."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words_of(module: ModuleType, name: str) -> tuple[list[list[str]], list[list[str]]]:
    """Each option with a value, and the command lines of the tool's examples."""
    parser: list[ArgumentParser] = []

    def grab(self: ArgumentParser, *_: Any, **__: Any) -> None:
        parser.append(self)
        raise Refused("its options are known")

    real, ArgumentParser.parse_args = ArgumentParser.parse_args, grab  # type: ignore[assignment]
    try:
        with contextlib.suppress(Refused):
            module.options()
    finally:
        ArgumentParser.parse_args = real  # type: ignore[method-assign]
    options = []
    for action in parser[0]._actions:
        spelled = action.option_strings[-1] if action.option_strings else ""
        if spelled and spelled not in SKIPPED and (action.help != SUPPRESS or not action.nargs):
            value = action.choices[0] if action.choices else VALUES.get(spelled, "1")
            options.append([spelled] if action.nargs == 0 else [spelled, str(value)])
    lines = (line.strip().removeprefix("./") for line in module.EXAMPLES.splitlines())
    examples = [
        shlex.split(line, comments=True)[1:] for line in lines if line.startswith(f"{name} ")
    ]
    return options, [words for words in examples if not {"--exec", "-c"} & set(words)]


class Tool:
    """One tool, to be called in many ways; `unused` are the switches that none has needed yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module = module_of(name)
        self.unused = switches_of((TOOLS / f"{name}.py").read_text())
        self.options, self.examples = words_of(self.module, name)

    def _noted(
        self, btf: Btf, words: list[str], tracepoints: bool = True
    ) -> list[tuple[str, tuple[str, ...], bool]]:
        """What it asks to compile when called so; nothing when it does not get that far."""
        import bcc

        noted: list[tuple[str, tuple[str, ...], bool]] = []
        real, arguments = bcc.BPF, sys.argv
        bcc.BPF = asked(btf, real, noted, tracepoints)
        sys.argv = [f"{self.name}.py", *words]
        silence = io.StringIO()
        try:
            with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
                # Whatever ends it, it has asked what it has asked.
                with contextlib.suppress(Exception, SystemExit):
                    self.module.main()
        finally:
            bcc.BPF, sys.argv = real, arguments
        return noted

    def variants(self, btf: Btf) -> Iterator[tuple[str, tuple[str, ...], bool]]:
        """All that it would compile, each once."""
        base = BASE.get(self.name, [])
        plain = self._noted(btf, base)
        telling = [words for words in self.options if self._noted(btf, base + words) != plain]
        calls = [base, *self.examples, *(base + words for words in telling)]
        calls += [base + one + two for one, two in itertools.combinations(telling, 2)]
        calls.append(base + [word for words in telling for word in words])
        calls += MORE.get(self.name, [])
        all_noted = [noted for words in calls for noted in self._noted(btf, words)]
        all_noted += self._noted(btf, base, tracepoints=False)
        if self.name in PLACES:
            all_noted += [(text, flags + PLACES[self.name], usdt) for text, flags, usdt in plain]
        for text, flags, with_usdt in dict.fromkeys(all_noted):
            self.unused -= {flag.removeprefix("-D").partition("=")[0] for flag in flags}
            yield text, flags, with_usdt
