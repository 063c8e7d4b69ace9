"""Runs Debian's tools in a guest; one JSON line a tool into the results file.

    guest.py PLAN

The tools run beside each other, those that disturb the others after them, each alone. A workload is
repeated until the tool's row is there: how long attaching takes is not known beforehand.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import work

from examples import ALL
from tools import Tool

SERIES = os.environ["BCC_TEST_KERNEL"]
BESIDE = 4
# Turns of the workload and seconds after attaching: whichever ends later.
ROUNDS = 40
PATIENCE = 60.0
# Seconds in which a tool must have attached or ended, on a machine that is busy otherwise.
DEADLINE = 600.0
ONE_WRITER = threading.Lock()
# As built here, and as installed.
OURS = re.compile(r"/(libbcc_native|_native\.abi3)\.so$", re.MULTILINE)
ESCAPES = re.compile(r"\x1b[\[(][0-9;?]*[A-Za-z]")
# Byte code is kept for the next tool: a guest needs seconds to compile a package's modules.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONUNBUFFERED": "1", "TERM": "xterm", "PYTHONPYCACHEPREFIX": str(work.ROOT / "code"),
}  # fmt: skip
# The language tools that look for targets themselves take processes of just that name.
PYTHON = work.ROOT / "python"
CALLS = """
import gc, sys
def step(): pass
for line in sys.stdin:
    for _ in range(100): step()
    gc.collect()
"""


@dataclass
class Result:
    """What was seen of one tool."""

    name: str
    attached: bool = False
    rows: bool = False
    ours: bool = False
    seconds: float = 0.0
    attach_seconds: float = 0.0
    status: int | None = None
    line: str = ""
    output: str = ""
    errors: list[str] = field(default_factory=list)


class Run:
    """One tool from its start to its end."""

    def __init__(self, tool: Tool, target: str) -> None:
        self.tool, self.target = tool, target
        self.result = Result(tool.name)
        self.text = ""
        self.partner: work.Traced | work.Terminal | None = None
        self.lock = threading.Lock()

    def places(self) -> dict[str, str]:
        """What the placeholders in arguments and rows stand for; starts the partner if needed."""
        words = {"disk": "vda", "diskname": "vda", "dir": str(work.ROOT / "ext4"), "self": str(os.getpid())}
        words |= {"veth": "compat0", "peer": "compat1"}
        words["libc"] = "/lib/x86_64-linux-gnu/libc.so.6"
        if "{target}" in self.tool.args:
            self.partner = work.Traced([self.target])
        elif "{python}" in self.tool.args or self.tool.work == "python":
            self.partner = work.Traced([str(PYTHON), "-u", "-c", CALLS])
        elif "{tty}" in self.tool.args:
            self.partner = work.Terminal()
            words["tty"] = self.partner.name
        if isinstance(self.partner, work.Traced):
            words["target"] = words["python"] = str(self.partner.process.pid)
        return words

    def act(self) -> None:
        """The workload, once."""
        name, _, word = self.tool.work.partition(" ")
        if name in ("target", "python", "tty"):
            assert self.partner is not None
            self.partner.say(word or "compat-typed")
        elif name:
            work.WORK[name]()

    def read(self, fd: int) -> None:
        try:
            while data := os.read(fd, 1 << 16):
                with self.lock:
                    self.text = (self.text + ESCAPES.sub("", data.decode(errors="replace")))[-60000:]
        except OSError:  # a terminal whose other side is closed
            pass

    def seen(self, row: re.Pattern[str]) -> bool:
        with self.lock:
            text = self.text
        for line in re.split(r"[\r\n]+", text):
            if row.search(line):
                self.result.rows, self.result.line = True, line.strip()[:120]
                return True
        return False

    def look(self, pid: int) -> None:
        """Whether the process holds programs that are attached, through our library."""
        links = programs = 0
        for entry in os.scandir(f"/proc/{pid}/fd"):
            try:
                what = os.readlink(entry.path)
            except OSError:
                continue
            links += "perf_event" in what or "link" in what or "raw-tracepoint" in what
            programs += "bpf-prog" in what
        self.result.attached |= programs > 0 and (links > 0 or self.tool.netlink)
        if not self.result.ours:
            maps = Path(f"/proc/{pid}/maps").read_text()
            self.result.ours = bool(OURS.search(maps)) and "libbcc.so" not in maps

    def go(self) -> Result:
        words, start = self.places(), time.monotonic()

        def fill(text: str) -> str:
            return re.sub(r"\{(\w+)\}", lambda m: words.get(m[1], m[0]), text)

        row = re.compile(fill(self.tool.row_on(SERIES)) or r"(?!)")
        argv = [*self.tool.argv, *(fill(w) for w in shlex.split(self.tool.args.replace('"', '\\"')))]
        if self.tool.tty:
            ours, theirs = pty.openpty()
        else:
            ours, theirs = os.pipe()
        process = subprocess.Popen(
            argv, stdin=theirs if self.tool.tty else subprocess.DEVNULL, stdout=theirs,
            stderr=subprocess.PIPE, env=ENVIRONMENT, cwd=self.tool.directory,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        assert process.stderr is not None
        errors = bytearray()
        stderr = process.stderr
        readers = [
            threading.Thread(target=self.read, args=(ours,), daemon=True),
            threading.Thread(target=lambda: errors.extend(stderr.read()), daemon=True),
        ]
        for reader in readers:
            reader.start()
        self.follow(process, row, start)
        # A tool that ends by itself with an error has not attached all that it wanted.
        failed = process.poll() not in (None, 0)
        work.stop(process, 30)
        for reader in readers:
            reader.join(10)
        self.seen(row)
        self.result.attached &= not failed
        self.result.status = process.poll()
        self.result.seconds = round(time.monotonic() - start, 1)
        self.result.output = self.text[-3000:]
        self.result.errors = errors.decode(errors="replace").splitlines()[-60:]
        if self.partner:
            self.partner.end()
        return self.result

    def follow(self, process: subprocess.Popen[bytes], row: re.Pattern[str], start: float) -> None:
        """Looks and works until the row is there, the tool has ended, or time is up."""
        rounds, patience = 0, start + DEADLINE
        while process.poll() is None and time.monotonic() < start + DEADLINE:
            if rounds >= ROUNDS and time.monotonic() > patience:
                return
            try:
                if not self.result.attached:
                    self.look(process.pid)
                    if self.result.attached:
                        self.result.attach_seconds = round(time.monotonic() - start, 1)
                        patience = time.monotonic() + PATIENCE
            except OSError:  # it has just ended
                continue
            if self.result.attached:
                self.act()
                rounds += 1
                if (self.tool.end or self.tool.quiet_on(SERIES)) and rounds > 5:
                    return
                if self.seen(row):
                    return
            time.sleep(0.5)


def one(tool: Tool, plan: dict[str, Any]) -> None:
    """Runs a tool; whatever goes wrong on the way is its result."""
    print(f"         {tool.name}", flush=True)
    run = Run(tool, plan["target"])
    try:
        result = run.go()
    except Exception as why:
        result = run.result
        result.errors.append(f"harness: {why!r}")
    line = json.dumps(asdict(result)) + "\n"
    # Appending to a shared file is not atomic over 9p.
    with ONE_WRITER, open(plan["results"], "a") as file:
        file.write(line)
    print(f"{result.seconds:6.1f} s  {tool.name}: {result.attached} {result.rows}", flush=True)


def prepare() -> None:
    """File systems and network as the workloads expect them."""
    work.ROOT.mkdir(parents=True)
    PYTHON.symlink_to("/usr/bin/python3")
    for command in (
        f"mkfs.ext4 -q /dev/vdb && mkdir {work.ROOT}/ext4 && mount /dev/vdb {work.ROOT}/ext4",
        f"mkfs.btrfs -q /dev/vdc && mkdir {work.ROOT}/btrfs && mount /dev/vdc {work.ROOT}/btrfs",
        f"mkfs.xfs -q /dev/vdd && mkdir {work.ROOT}/xfs && mount /dev/vdd {work.ROOT}/xfs",
        "modprobe nfsv4; modprobe md_mod; modprobe sch_netem",
        "ip netns add lossy && ip -n lossy link set lo up mtu 1500"
        " && tc -n lossy qdisc add dev lo root netem loss 5%",
        "ip link set lo up; ip link add compat0 type veth peer name compat1"
        " && ip addr add 192.0.2.9/30 dev compat0 && ip link set compat0 up && ip link set compat1 up",
        "ip link add blackhole type dummy && ip addr add 192.0.2.1/24 dev blackhole && ip link set blackhole up",
    ):
        done = subprocess.run(command, shell=True, capture_output=True, text=True)
        if done.returncode:
            print(f"not prepared: {command}: {done.stderr}", flush=True)
    modules = "import argparse, datetime, subprocess, socket, struct, bcc, bcc.utils, bcc.syscall"
    subprocess.run(["/usr/bin/python3", "-c", modules], env=ENVIRONMENT, check=True)


def main() -> int:
    plan = json.loads(Path(sys.argv[1]).read_text())
    chosen = [t for t in ALL if not plan["only"] or t.name in plan["only"]]
    prepare()
    with ThreadPoolExecutor(BESIDE) as pool:
        list(pool.map(lambda tool: one(tool, plan), [t for t in chosen if not t.alone]))
    for tool in chosen:
        if tool.alone:
            one(tool, plan)
    return 0


if __name__ == "__main__":
    sys.exit(main())
