"""Compiling for a guest: what the compiler must know of its kernel, and who compiles for it.

A guest is twenty to forty times slower than the host, so it never runs LLVM. Its library hands a
compile to a shared directory; `bcc-compiler serve` on the host answers it there for the guest's
Target, a snapshot that `bcc-compiler capture` wrote inside that kernel once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import qemu
from kernels import Kernel, say


class SnapshotError(Exception):
    """A kernel could not be read, or the compile server did not start."""


def take(kernel: Kernel, compiler: Path) -> Path:
    """The kernel's snapshot, read now when this compiler build has none yet."""
    if (kernel.snapshot / ".done").exists():
        return kernel.snapshot
    say(f"reading types and formats of {kernel.release}")
    with tempfile.TemporaryDirectory(prefix="bcc-target-", dir=kernel.home) as tmp:
        target = Path(tmp) / "target"
        target.mkdir()
        output = bytearray()
        job = qemu.Job(argv=[str(compiler), "capture", str(target)], cwd="/", shares=[target])
        status = qemu.run(kernel, job, output.extend, output.extend)
        if status:
            text = output.decode(errors="replace")
            raise SnapshotError(f"capture in {kernel.release} ended with {status}: {text}")
        (target / ".done").touch()
        shutil.rmtree(kernel.snapshot, ignore_errors=True)
        with contextlib.suppress(OSError):  # another run was first
            target.rename(kernel.snapshot)
    return kernel.snapshot


@contextlib.contextmanager
def compile_server(
    kernel: Kernel, compiler: Path, job: qemu.Job, cache: Path | None = None
) -> Iterator[None]:
    """Serves compiles to the job's guest while the body runs.

    `cache` is the cache directory of the guest's library; a fresh one when not given.
    """
    target = take(kernel, compiler)
    with tempfile.TemporaryDirectory(prefix="bcc-spool-") as tmp:
        spool = Path(tmp) / "spool"
        spool.mkdir()
        cache = cache or Path(tmp) / "cache"
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        job.shares += [spool, cache]
        job.env |= {"BCC_COMPILE_SPOOL": str(spool), "BCC_CACHE_DIR": str(cache)}
        server = subprocess.Popen(
            [str(compiler), "serve", str(spool), "--target", str(target)],
            stdin=subprocess.DEVNULL, preexec_fn=qemu._die_with_parent, env=dict(os.environ),
        )  # fmt: skip
        try:
            _wait_for_server(server, spool / "server")
            yield
            if server.poll() is not None:
                raise SnapshotError(f"the compile server ended early with {server.returncode}")
        finally:
            server.kill()
            server.wait()


def _wait_for_server(server: subprocess.Popen[bytes], hello: Path) -> None:
    """Returns once the server has said in the spool which compiler it is."""
    deadline = time.monotonic() + 60
    while not hello.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise SnapshotError(f"the compile server did not start (status {server.poll()})")
        time.sleep(0.01)
