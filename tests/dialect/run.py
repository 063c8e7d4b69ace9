#!/usr/bin/env python3
"""The dialect's acceptance suite: one line per row, what passes and what is missing.

Every row compiles its program for the kernel at hand, loads it, runs it and looks at what it did,
in a process of its own. Without options rows run on this kernel and, in one boot each, in the guest
kernels; a row passes when it passes on every kernel that has what it needs, and on one at least.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import harness  # noqa: E402
from harness import PROGRAMS, ROWS, Missing, Row, T  # noqa: E402

GUESTS = ["6.1", "6.12"]
SKIPPED = None


def load_rows() -> None:
    """Imports the modules that register rows."""
    for path in sorted(HERE.glob("rows_*.py")):
        __import__(path.stem)
    order = {m: n for n, m in enumerate(["§", "more", "bad"])}
    ROWS.sort(key=lambda r: next(n for m, n in order.items() if r.name.startswith(m)))


def attempt(row: Row, mutate: bool) -> str:
    """Runs one row in this process; what is missing, or nothing."""
    os.chdir(PROGRAMS)
    if mutate:
        os.environ["BCC_MUTATE"] = row.off
    t = T(row, mutate)
    try:
        row.check(t)
    except Missing as why:
        return str(why)
    except BaseException as why:
        where = traceback.extract_tb(why.__traceback__)
        line = next((f.lineno for f in reversed(where) if "rows_" in f.filename), 0)
        return f"line {line}: {type(why).__name__}: {why}\n{t.output()}".strip()
    finally:
        for module in t.modules:
            module.cleanup()
    return ""


def in_child(row: Row, mutate: bool) -> str:
    """Runs one row in a child, which may die."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        os.setpgid(0, 0)
        with tempfile.TemporaryFile() as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        result = attempt(row, mutate)
        with os.fdopen(w, "w") as pipe:
            pipe.write(json.dumps(result))
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as pipe:
        text = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status or not text:
        return f"the process died with {status}"
    return str(json.loads(text))


def here(rows: list[Row], mutate: bool) -> Iterator[tuple[str, str | None]]:
    """Runs rows on this kernel: names and what is missing, or SKIPPED."""
    have = harness.features()
    # Once rather than in each child: in an emulated machine it takes longer than most rows.
    import bcc  # noqa: F401

    for row in rows:
        if row.needs <= have and not (mutate and row.off == "none"):
            yield row.name, in_child(row, mutate)
        else:
            yield row.name, SKIPPED


def in_guest(kernel: str, words: list[str], mutate: bool) -> Iterator[tuple[str, str | None]]:
    """Runs rows in a guest kernel, in one boot."""
    inner = [sys.executable, str(HERE / "run.py"), "--here", "--json", *words]
    if mutate:
        inner.append("--mutate")
    vm = [sys.executable, str(HERE.parent / "vm" / "run.py"), "-k", kernel, "--timeout", "7200"]
    # On two emulated CPUs code that the kernel patches at run time has been seen to trap.
    vm += ["--cpus", "1"]
    vm += ["--", *inner]
    with subprocess.Popen(vm, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('["'):
                name, result = json.loads(line)
                yield name, result
    if process.returncode:
        print(f"dialect: the {kernel} guest ended with {process.returncode}", file=sys.stderr)


def chosen(words: list[str]) -> list[Row]:
    """Rows whose name or program contains one of the words."""
    return [r for r in ROWS if not words or any(w in r.name or w in r.program for w in words)]


def first_line(text: str, full: bool) -> str:
    """A message, cut to what fits on a line unless all of it is wanted."""
    return text if full else " / ".join(text.split("\n")[:3])[:300]


def report(rows: list[Row], results: dict[str, dict[str, str | None]], full: bool) -> int:
    """One line per row; the number of rows that are missing."""
    missing = 0
    for row in rows:
        found = {k: r[row.name] for k, r in results.items() if r.get(row.name, SKIPPED) is not None}
        wrong = {kernel: text for kernel, text in found.items() if text}
        absent = [k for k, r in results.items() if row.name not in r]
        if wrong:
            why = "; ".join(f"{k}: {first_line(text, full)}" for k, text in wrong.items())
        elif absent:
            why = f"no result from {', '.join(absent)}"
        elif not found:
            why = "it ran on no kernel"
        else:
            print(f"passes   {row.name}  [{', '.join(found)}]")
            continue
        missing += 1
        print(f"MISSING  {row.name}  {why}")
    print(f"{len(rows) - missing} of {len(rows)} rows pass, {missing} missing")
    return missing


def still_green(rows: list[Row], results: dict[str, dict[str, str | None]]) -> int:
    """Prints the rows that pass without the code that they are about."""
    count = 0
    for row in rows:
        if row.off == "none":
            continue
        outcomes = [r[row.name] for r in results.values() if r.get(row.name, SKIPPED) is not None]
        if not outcomes or "" in outcomes:
            count += 1
            what = "stays green" if outcomes else "ran on no kernel"
            print(f"{row.name}  {what} without {row.off}")
    print(f"{count} rows stay green")
    return count


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="x test dialect --", description=__doc__)
    p.add_argument("words", nargs="*", help="only rows whose name contains one of these")
    p.add_argument("--here", action="store_true", help="only on the kernel that runs")
    p.add_argument("--guest", action="append", choices=GUESTS, help="only this guest")
    p.add_argument("--foreign", action="store_true", help="only rows that this kernel cannot run")
    p.add_argument("--json", action="store_true", help="results as JSON lines")
    p.add_argument("--full", action="store_true", help="whole messages")
    p.add_argument("--list", action="store_true", help="print the rows")
    p.add_argument("--mutate", action="store_true", help="each row without the code it is about")
    return p


def mutable_build() -> Path:
    """Builds library and compiler with the feature `mutate`; where Python finds them."""
    top = HERE.parent.parent
    target = Path(os.environ.get("CARGO_TARGET_DIR", top / "target")) / "mutate"
    cargo = ["cargo", "build", "--quiet", "-p", "bcc-frontend", "-p", "bcc-python"]
    cargo += ["--features", "bcc-frontend/mutate,bcc-python/mutate", "--target-dir", str(target)]
    subprocess.run(cargo, check=True, cwd=top)
    package = target / "python" / "bcc"
    package.mkdir(parents=True, exist_ok=True)
    links = {p.name: p for p in (top / "bcc-python" / "python" / "bcc").iterdir()}
    links["_native.abi3.so"] = target / "debug" / "libbcc_native.so"
    links["bcc-compiler"] = target / "debug" / "bcc-compiler"
    for name, path in links.items():
        (package / name).unlink(missing_ok=True)
        (package / name).symlink_to(path)
    return package.parent


def with_mutable_build() -> None:
    """Starts this program again over a build whose pieces can be switched off."""
    if os.environ.get("BCC_MUTABLE"):
        return
    python = mutable_build()
    compiler = python / "bcc" / "bcc-compiler"
    ours = {"BCC_MUTABLE": "1", "PYTHONPATH": str(python), "BCC_COMPILER": str(compiler)}
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ours)


def collect(options: argparse.Namespace, rows: list[Row]) -> dict[str, dict[str, str | None]]:
    """Results by kernel and row."""
    results: dict[str, dict[str, str | None]] = {}
    if not options.guest:
        results["host"] = {}
        for name, result in here(rows, options.mutate):
            results["host"][name] = result
            if options.json:
                print(json.dumps([name, result]), flush=True)
    guests = options.guest or ([] if options.here else GUESTS)
    for kernel in guests:
        words = [row.name for row in rows] if options.foreign else options.words
        if options.mutate and not options.guest:
            # What ran here need not run again.
            words = [n for n, r in results["host"].items() if r is None]
        if words or not options.mutate:
            results[kernel] = dict(in_guest(kernel, words, options.mutate))
    return results


def main() -> int:
    options = parser().parse_args()
    if options.mutate:
        with_mutable_build()
    load_rows()
    rows = chosen(options.words)
    if options.foreign:
        have = harness.features()
        rows = [row for row in rows if not row.needs <= have]
    if options.list:
        for row in rows:
            print(f"{row.name}  {row.program}  {row.off}  {' '.join(sorted(row.needs))}")
        return 0
    results = collect(options, rows)
    if options.json:
        return 0
    judge = still_green(rows, results) if options.mutate else report(rows, results, options.full)
    return 1 if judge else 0


if __name__ == "__main__":
    sys.exit(main())
