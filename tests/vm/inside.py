"""Runs in the guest: every test program of the plan, results into the shared directory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def main() -> int:
    plan = json.loads(Path(sys.argv[1]).read_text())
    results = Path(plan["results"])
    failed = False
    for program in plan["rust"]:
        # One thread: the tests look at what the whole process holds in the kernel.
        done = subprocess.run([program, "--test-threads=1"], stdout=subprocess.PIPE, text=True)
        with open(results / "kernel.txt", "a") as out:
            out.write(done.stdout)
        sys.stdout.write(done.stdout)
        failed |= done.returncode != 0
    for suite, directory in plan["pytest"].items():
        print(f"== {suite}", flush=True)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rs"]
        command += [f"--junitxml={results / suite}.xml", directory, *plan["extra"]]
        failed |= subprocess.run(command).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
