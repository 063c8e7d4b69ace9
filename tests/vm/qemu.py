"""One guest, one command: builds QEMU's command line, copies the output, bounds the time."""

from __future__ import annotations

import ctypes
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import kernels
from image import Entry, cpio
from kernels import Kernel, say

HERE = Path(__file__).resolve().parent
TIMED_OUT = 124
NO_RESULT = 125
# QEMU's processors, side by side, may run a breakpoint that the kernel has taken out of its text again.
STUMBLED = "an emulated processor ran a breakpoint that was gone (Oops: int3)"
KERNEL_ARGS = (
    "console=ttyS0 rdinit=/init panic=-1 quiet loglevel=4 mitigations=off no_timer_check nokaslr "
    "audit=0 apparmor=0 cryptomgr.notests random.trust_cpu=on tsc=reliable nowatchdog "
    "rcupdate.rcu_expedited=1 init_on_alloc=0 swiotlb=noforce"
).split()
# Of the caller's environment, what would mislead a program in the guest.
NOT_HANDED_ON = {"_", "SHLVL", "PWD", "OLDPWD", "TMPDIR", "XDG_RUNTIME_DIR", "DISPLAY"}


@dataclass
class Job:
    """What to run in a guest, and what the guest has."""

    argv: list[str]
    cwd: str = field(default_factory=os.getcwd)
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    stdin: bytes = b""
    shares: list[Path] = field(default_factory=list)
    """Directories that the guest may write to, at the same path as here."""
    hide: list[Path] = field(default_factory=list)
    """Files that the guest finds empty and not executable."""
    disks: list[str] = field(default_factory=list)
    """Sizes of scratch disks (`256M`): /dev/vda, /dev/vdb, …"""
    cpus: int = 2
    memory: str = "3G"
    timeout: float = 600
    """Seconds for everything."""
    boot_timeout: float = 120
    """Seconds until the command starts; a guest that needs longer is started once more."""


Sink = Callable[[bytes], None]


def to_fd(fd: int) -> Sink:
    """A sink that writes everything to a descriptor; a closed pipe swallows the rest."""

    def write(data: bytes) -> None:
        try:
            while data:
                data = data[os.write(fd, data) :]
        except BrokenPipeError:
            pass

    return write


def run(kernel: Kernel, job: Job, out: Sink | None = None, err: Sink | None = None) -> int:
    """Runs the job; its exit status, 124 after the time limit, 125 when the guest gave none."""
    out, err = out or to_fd(1), err or to_fd(2)
    for last in (False, True):
        guest = _Guest(kernel, job, out, err)
        status = guest.run()
        if status is not None:
            return status
        if last or (guest.up and not guest.stumbled):
            break
        say("trying once more: " + (STUMBLED if guest.stumbled else "the guest did not come up"))
    return NO_RESULT


class _Guest:
    """One run of QEMU."""

    def __init__(self, kernel: Kernel, job: Job, out: Sink, err: Sink) -> None:
        self.kernel, self.job = kernel, job
        self.sinks: list[Sink] = [out, err, self._control]
        self.up = self.stumbled = False
        self.status: int | None = None
        self._pending = b""

    def run(self) -> int | None:
        """The command's status, or None when there is none."""
        with tempfile.TemporaryDirectory(prefix="bcc-vm-") as tmp:
            pipes = [os.pipe() for _ in self.sinks]
            reads = [r for r, _ in pipes]
            writes = [w for _, w in pipes]
            log = open(f"{tmp}/qemu.log", "wb")
            process = subprocess.Popen(
                self._command(Path(tmp), writes), pass_fds=writes, preexec_fn=_die_with_parent,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
            try:
                for fd in writes:
                    os.close(fd)
                timed_out = self._copy(dict(zip(reads, self.sinks, strict=True)))
                if self.status is None:
                    self._explain(Path(tmp), timed_out)
                return TIMED_OUT if timed_out and self.up and self.status is None else self.status
            finally:
                process.kill()
                process.wait()
                log.close()
                for fd in reads:
                    os.close(fd)

    def _copy(self, sinks: dict[int, Sink]) -> bool:
        """Hands on what the ports say until the guest has ended; true when time ran out."""
        start = time.monotonic()
        while sinks:
            now = time.monotonic()
            if self.status is not None:
                limit = now + 5  # the guest is powering off
            else:
                limit = start + (self.job.timeout if self.up else self._boot_limit())
            ready, _, _ = select.select(list(sinks), [], [], max(0.0, limit - now))
            if not ready:
                return True
            for fd in ready:
                data = os.read(fd, 1 << 16)
                if data:
                    sinks[fd](data)
                else:
                    del sinks[fd]
        return False

    def _boot_limit(self) -> float:
        return min(self.job.boot_timeout, self.job.timeout)

    def _control(self, data: bytes) -> None:
        self._pending += data
        *lines, self._pending = self._pending.split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "up":
                self.up = True
            elif word == "status":
                self.status = int(rest)
            elif word == "error":
                say(f"guest: {rest}")

    def _explain(self, tmp: Path, timed_out: bool) -> None:
        say("time is up" if timed_out else "the guest stopped without a result")
        for name, lines in (("qemu.log", 10), ("console", 40)):
            path = tmp / name
            text = path.read_text(errors="replace") if path.exists() else ""
            self.stumbled |= "Oops: int3" in text
            for line in text.splitlines()[-lines:]:
                print(f"  | {line}", file=sys.stderr)

    def _command(self, tmp: Path, ports: list[int]) -> list[str]:
        initrd = tmp / "initrd"
        initrd.write_bytes(self.kernel.initrd.read_bytes() + self._job_archive())
        append = list(KERNEL_ARGS)
        if self.kernel.release.startswith("5."):
            append.append("lsm=lockdown,yama,bpf")
        command = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", "-M", "q35", "-accel", "tcg,thread=single,tb-size=512", "-cpu", "max",
            "-m", self.job.memory, "-smp", str(self.job.cpus),
            "-kernel", str(self.kernel.boot_image), "-initrd", str(initrd),
            "-append", " ".join(append),
            "-chardev", f"file,id=console,path={tmp}/console", "-serial", "chardev:console",
            # First of the virtio devices, so that its ports are /dev/vport0p*.
            "-device", "virtio-serial-pci", "-device", "virtio-rng-pci",
        ]  # fmt: skip
        for number, fd in enumerate(ports, start=1):
            command += ["-chardev", f"file,id=p{number},path=/proc/self/fd/{fd}"]
            command += ["-device", f"virtserialport,chardev=p{number},nr={number}"]
        command += _ninep("/", "host", read_only=True)
        command += _ninep(str(self.kernel.root), "kernel", read_only=True)
        command += _ninep(str(kernels.tools()), "tools", read_only=True)
        for number, share in enumerate(self.job.shares):
            command += _ninep(str(share), f"share{number}", read_only=False)
        for number, size in enumerate(self.job.disks):
            path = tmp / f"disk{number}"
            path.touch()
            os.truncate(path, parse_size(size))
            drive = f"if=none,id=d{number},file={path},format=raw,cache=unsafe"
            command += ["-drive", drive, "-device", f"virtio-blk-pci,drive=d{number}"]
        return command

    def _job_archive(self) -> bytes:
        job = self.job
        lines = [f"cd {shlex.quote(job.cwd)} || exit 125"]
        for name, value in job.env.items():
            if name not in NOT_HANDED_ON and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                lines.append(f"export {name}={shlex.quote(value)}")
        lines.append("exec " + shlex.join(job.argv))
        shares = "".join(f"share{i} {p}\n" for i, p in enumerate(job.shares))
        hide = shlex.quote(" ".join(map(str, job.hide)))
        files = {
            "command": "\n".join(lines) + "\n",
            "shares": shares,
            "conf": f"HIDE={hide}\n",
            "job.sh": (HERE / "job.sh").read_text(),
        }
        entries = [Entry(f"job/{n}", 0o100644, t.encode()) for n, t in files.items()]
        return cpio([*entries, Entry("job/stdin", 0o100644, job.stdin)])


def _ninep(path: str, tag: str, *, read_only: bool) -> list[str]:
    path = path.replace(",", ",,")
    option = f"local,path={path},mount_tag={tag},security_model=none,multidevs=remap"
    return ["-virtfs", option + (",readonly=on" if read_only else "")]


def parse_size(text: str) -> int:
    """`256M` in bytes."""
    match = re.fullmatch(r"(\d+)([KMGT]?)", text.upper())
    if match is None:
        raise ValueError(f"bad size {text}")
    return int(match.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match.group(2)]


def _die_with_parent() -> None:
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)
