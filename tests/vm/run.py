#!/usr/bin/env python3
"""One command as root in a Debian kernel under QEMU, on this machine's own root file system.

The guest may write anywhere; only what it writes below a --share directory is kept. The exit
status is the command's, 124 after --timeout, 125 when the guest gave none.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path

import kernels
import qemu
import snapshot


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="x vm", description=__doc__, usage="%(prog)s [options] -- CMD [ARG...]"
    )
    p.add_argument("-k", "--kernel", default="6.12", help="series (6.1, 6.12, 5.10) or uname -r")
    p.add_argument("--share", action="append", default=[], metavar="DIR")
    p.add_argument("--disk", action="append", default=[], metavar="SIZE", help="a scratch disk")
    p.add_argument("--hide", action="append", default=[], metavar="FILE", help="make unreadable")
    p.add_argument("--cpus", type=int, default=2)
    p.add_argument("--memory", default="3G")
    p.add_argument("--timeout", type=float, default=600, help="seconds for everything")
    p.add_argument("-i", "--stdin", action="store_true", help="hand over all of stdin")
    p.add_argument("--no-compiler", action="store_true", help="serve no compiles to the guest")
    p.add_argument("--prepare", action="store_true", help="download and read the kernel only")
    return p


def main() -> int:
    arguments, command = sys.argv[1:], []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, command = arguments[:at], arguments[at + 1 :]
    options = parser().parse_args(arguments)
    if not command and not options.prepare:
        parser().error("no command: x vm [options] -- CMD")
    if shutil.which("qemu-system-x86_64") is None:
        print("vm: QEMU is missing: apt-get install qemu-system-x86", file=sys.stderr)
        return qemu.NO_RESULT
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        kernel = kernels.get(options.kernel)
        if options.prepare:
            print(kernel.release)
            return 0
        job = qemu.Job(
            argv=command,
            stdin=sys.stdin.buffer.read() if options.stdin else b"",
            shares=[_share(d) for d in options.share],
            hide=[Path(f).resolve() for f in options.hide],
            disks=options.disk,
            cpus=options.cpus,
            memory=options.memory,
            timeout=options.timeout,
        )
        compiler = os.environ.get("BCC_COMPILER")
        if options.no_compiler or not compiler:
            return qemu.run(kernel, job)
        with snapshot.compile_server(kernel, Path(compiler), job):
            return qemu.run(kernel, job)
    except (kernels.KernelError, snapshot.SnapshotError) as why:
        print(f"vm: {why}", file=sys.stderr)
        return qemu.NO_RESULT
    except KeyboardInterrupt:
        return 130


def _share(text: str) -> Path:
    path = Path(text).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


if __name__ == "__main__":
    sys.exit(main())
