#!/usr/bin/env python3
"""What the constants of headers/uapi and headers/compat are in one kernel, as a program that says so.

    facts.py TREE [--differing OTHER...]

TREE is a build directory of kernel headers (/lib/modules/R/build, or where Debian's package puts it).
clang's preprocessor reads every header that a `//@header` line names and expands every object-like
macro that follows it. Printed is C text with one `_Static_assert` for each whose value is made of numbers
alone: `./x test headers` compiles it for that kernel's types, so a constant that a kernel has with
another value is found by the test.

With --differing, the names whose values are not the same in all trees are printed instead: such a
constant needs an `//@if` that says for which kernels it is, or has no place in headers/.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLANG = "clang-19"
MARK = "BCC_FACT"
INTEGER = r"(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*|'(?:\\.|[^'\\])'"
# Casts that change no constant, and sparse's annotations, which mean nothing to a compiler.
TYPES = (
    r"(?:unsigned|signed|long|int|short|char|size_t|loff_t|pgoff_t|__?[a-z0-9]*(?:s|u|le|be)(?:8|16|32|64)|[su](?:8|16|32|64)"
    r"|[a-z_]+_t|sector_t|dev_t)"
)


def ours() -> dict[str, list[str]]:
    """Object-like macros by the headers whose they are."""
    found: dict[str, list[str]] = {}
    for directory in ("compat", "uapi"):
        for file in sorted((HERE / directory).glob("*.h")):
            headers = ""
            for line in file.read_text().splitlines():
                if line.startswith("//@header "):
                    headers = line.removeprefix("//@header ").strip()
                elif (define := re.match(r"#define (\w+)\s", line)) and headers:
                    found.setdefault(headers, []).append(define.group(1))
    return found


def source_of(build: Path) -> Path:
    """The source tree that a Debian build directory's Makefile includes, there or beside it."""
    if (build / "include/linux/kconfig.h").is_file():
        return build
    for line in (build / "Makefile").read_text().splitlines():
        if line.startswith("include ") and line.endswith("/Makefile"):
            named = Path(line.removeprefix("include ").removesuffix("/Makefile"))
            return named if named.is_dir() else build.parent / named.name
    raise SystemExit(f"{build} is no tree of kernel headers")


def arguments(build: Path) -> list[str]:
    source = source_of(build)
    arch = "arch/x86/include"
    parts = (arch, f"{arch}/generated", "include", f"{arch}/uapi", f"{arch}/generated/uapi",
             "include/uapi", "include/generated/uapi")
    directories = [root / part for part in parts for root in (source, build)]
    return [
        "-target", "x86_64-unknown-linux-gnu", "-nostdinc", "-w", "-ferror-limit=0", "-O2",
        "-D__KERNEL__", '-DKBUILD_MODNAME="bcc"', "-DCONFIG_CC_IS_CLANG", "-DCC_USING_FENTRY",
        *[f"-I{d}" for d in dict.fromkeys(directories) if d.is_dir()],
        # Older kernels take the compiler's own.
        f"-isystem{HERE / 'std'}",
        "-include", str(source / "include/linux/kconfig.h"),
    ]


def expansions(build: Path) -> dict[str, str]:
    """Every macro of ours that the tree has, expanded."""
    macros = ours()
    names = list(dict.fromkeys(name for group in macros.values() for name in group))
    headers = list(dict.fromkeys(h for group in macros for h in group.split()))
    with tempfile.NamedTemporaryFile("w", suffix=".c") as text:
        while True:
            lines = [f"#if __has_include(<{h}>)\n#include <{h}>\n#endif" for h in headers]
            asks = [f"#ifdef {n}\n{MARK} {i} {n}\n#endif" for i, n in enumerate(names)]
            text.seek(0)
            text.truncate()
            text.write("\n".join([*lines, "", *asks, ""]))
            text.flush()
            command = [CLANG, *arguments(build), "-E", "-P", text.name]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace")
            # A header that includes what no kernel of this architecture has ends the preprocessing.
            fatal = done.stderr.find("fatal error:")
            if fatal < 0:
                break
            before = done.stderr[:fatal]
            includes = re.findall(rf"In file included from {re.escape(text.name)}:(\d+):", before)
            del headers[(int(includes[-1]) - 1) // 3]
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            _, index, value = (line + "  ").split(" ", 2)
            found[names[int(index)]] = value.strip()
    return found


def constant(value: str) -> str | None:
    """The text of an integer constant expression of numbers alone, else None."""
    value = re.sub(r"__attribute__\s*\(\([^()]*(?:\([^()]*\))?[^()]*\)\)", "", value)
    value = re.sub(r"\b(?:__force|__user|__bitwise)\b", "", value)
    bare = re.sub(rf"\(\s*{TYPES}(?:\s+{TYPES})*\s*\)", " ", value)
    bare = re.sub(INTEGER, " ", bare)
    return value if value and not re.search(r'[A-Za-z_"{};,=@#$]', bare.replace("==", "")) else None


def facts(build: Path) -> dict[str, str]:
    found = {name: constant(value) for name, value in expansions(build).items()}
    return {name: value for name, value in found.items() if value is not None}


def number(value: str) -> int | None:
    """The value by C's rules for 64 bits, near enough to compare one tree with another."""
    value = re.sub(rf"\(\s*{TYPES}(?:\s+{TYPES})*\s*\)", " ", value)
    value = re.sub(r"'(\\?.)'", lambda m: str(ord(m.group(1)[-1])), value)
    value = re.sub(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", value)
    value = re.sub(r"\b0+([0-7]+)\b", r"0o\1", value).replace("/", "//")
    try:
        return int(eval(value, {"__builtins__": {}})) & 0xFFFF_FFFF_FFFF_FFFF  # noqa: S307
    except (SyntaxError, NameError, TypeError, ZeroDivisionError, ValueError):
        return None


def program(values: dict[str, str]) -> str:
    lines = ["/* Made by headers/facts.py. */"]
    known = set((HERE / "known.txt").read_text().split())
    for header in dict.fromkeys(h for group in ours() for h in group.split()):
        if header in known:
            lines.append(f"#include <{header}>")
    for name, value in values.items():
        lines.append(f'_Static_assert(({name}) == ({value}), "{name}");')
    lines.append("int facts(void *ctx) { return 0; }")
    return "\n".join(lines) + "\n"


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--differing"]
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    trees = [facts(Path(word)) for word in words]
    if "--differing" not in sys.argv:
        print(program(trees[0]), end="")
        return 0
    for name in sorted(set().union(*trees)):
        values = [number(tree[name]) if name in tree else None for tree in trees]
        if len({value for value in values if value is not None}) > 1:
            print(name, *["-" if value is None else value for value in values])
    return 0


if __name__ == "__main__":
    sys.exit(main())
