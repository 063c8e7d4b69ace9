"""Runs in the guest: every test program of the plan, results into the shared directory.

An emulated guest on a busy machine can make a test miss its deadline. What failed is run once more,
on its own; report.py names what passed only then.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

# Seconds after which a test is taken to hang: it fails, with what every thread was doing.
HANGS = 300


def rust(program: str, results: Path) -> bool:
    """Runs a Rust test program, its failures twice; whether all passed in the end."""
    # One thread: the tests look at what the whole process holds in the kernel. Names of C++ and Rust
    # are no kernel's, and their compilers take minutes under emulation.
    command = [program, "--test-threads=1", "--skip", "languages::"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    sys.stdout.write(done.stdout)
    failed = re.findall(r"^test (\S+) \.\.\. .*?FAILED", done.stdout, re.MULTILINE)
    again = "running 0 tests\n"
    passed = done.returncode == 0
    if failed:
        second = subprocess.run([*command, "--exact", *failed], stdout=subprocess.PIPE, text=True)
        sys.stdout.write(second.stdout)
        again, passed = second.stdout, second.returncode == 0
    for name, text in [("kernel.txt", done.stdout), ("kernel.again.txt", again)]:
        with open(results / name, "a") as out:
            out.write(text)
    return passed


def python(suite: str, nodes: list[str], extra: list[str], results: Path) -> bool:
    """Runs files and tests by pytest, its failures twice; whether all passed in the end."""
    print(f"== {suite}", flush=True)
    cache = Path(f"/tmp/pytest-{suite}")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", f"--timeout={HANGS}"]
    command += ["-o", f"cache_dir={cache}"]
    first = [*command, f"--junitxml={results / suite}.xml", *nodes, *extra]
    if subprocess.run(first).returncode == 0:
        return True
    # By name: pytest's own --last-failed takes named tests of other files for errors.
    failed = cache / "v/cache/lastfailed"
    if not failed.exists():
        return False
    again = [*command, f"--junitxml={results / suite}.again.xml"]
    return subprocess.run([*again, *json.loads(failed.read_text())]).returncode == 0


def main() -> int:
    # For the programs that tests interrupt: init's children ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    plan = json.loads(Path(sys.argv[1]).read_text())
    results = Path(plan["results"])
    passed = [rust(program, results) for program in plan["rust"]]
    for suite, nodes in plan["pytest"].items():
        passed.append(python(suite, nodes, plan["extra"], results))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
