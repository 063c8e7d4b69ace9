"""Starts a tool, waits for what it prints, ends it as a user would.

Nothing here waits a fixed time: a reader thread collects the tool's lines, and a test waits for
the line it needs, within a deadline that only bounds a failure.
"""

from __future__ import annotations

import json
import os
import pty
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sessions import server  # noqa: F401 - a fixture

TOP = Path(__file__).resolve().parents[2]
# A guest is up to forty times slower than the machine it runs on.
DEADLINE = 60.0 if "BCC_TEST_KERNEL" in os.environ else 30.0

# Of those in enum bpf_prog_type that say which hook a tool took.
KINDS = {"2": "kprobe", "5": "tracepoint", "26": "fentry"}

CPUS = os.sched_getaffinity(0)
TOOL = re.compile(r"^(?!tests/).*\btools/\w+\.py$")


class Tool:
    """A running tool: its lines so far, and its end."""

    def __init__(self, script: str, *args: str) -> None:
        self.lines: list[str] = []
        self.errors: list[str] = []
        # A script may be run by another one.
        self.name = next((Path(w).stem for w in (script, *args) if TOOL.search(w)), None)
        self._news: queue.Queue[tuple[list[str], str | None]] = queue.Queue()
        command = [sys.executable, "-u", str(TOP / script), *args]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", preexec_fn=lambda: os.sched_setaffinity(0, CPUS),
        )  # fmt: skip
        self._open = 2
        streams = ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        self.readers = [threading.Thread(target=self._read, args=s, daemon=True) for s in streams]
        for reader in self.readers:
            reader.start()

    def _read(self, stream: Any, into: list[str]) -> None:
        with stream:
            for line in stream:
                self._news.put((into, line.rstrip("\n")))
        self._news.put((into, None))

    def _take(self, deadline: float) -> None:
        into, line = self._news.get(timeout=max(0.01, deadline - time.monotonic()))
        if line is None:
            self._open -= 1
        else:
            into.append(line)

    def wait_for(self, wanted: Callable[[str], bool], after: int = 0) -> str:
        """The first line of stdout from index `after` on that is `wanted`."""
        deadline = time.monotonic() + DEADLINE
        seen = after
        while True:
            while seen < len(self.lines):
                if wanted(self.lines[seen]):
                    return self.lines[seen]
                seen += 1
            assert self._open, f"the tool ended without the line wanted: {self.report()}"
            try:
                self._take(deadline)
            except queue.Empty:
                pytest.fail(f"no such line: {self.report()}")

    def ready(self) -> str:
        """Waits for the first line: header and start lines come when all probes are attached."""
        return self.wait_for(lambda line: line.strip() != "")

    def knock(self, action: Callable[[], object]) -> None:
        """Repeats what the tool reports until it does: a tool without a header says so only."""
        deadline = time.monotonic() + DEADLINE
        while not self.lines:
            assert self._open and time.monotonic() < deadline, self.report()
            action()
            try:
                self._take(time.monotonic() + 0.2)
            except queue.Empty:
                continue

    def interrupt(self) -> int:
        """Ctrl-C; collects what is still printed and gives the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def finish(self) -> int:
        """Waits for the end by itself and gives the exit status."""
        deadline = time.monotonic() + DEADLINE
        while self._open:
            try:
                self._take(deadline)
            except queue.Empty:
                pytest.fail(f"the tool did not end: {self.report()}")
        return self.process.wait(DEADLINE)

    def program_kinds(self) -> set[str]:
        """Types of the BPF programs that the tool holds, by the kernel's numbers."""
        kinds = set()
        for entry in Path(f"/proc/{self.process.pid}/fdinfo").iterdir():
            for line in entry.read_text().splitlines():
                if line.startswith("prog_type:"):
                    kinds.add(KINDS.get(line.split()[1], line.split()[1]))
        return kinds

    def report(self) -> str:
        return "\n".join(["stdout:", *self.lines, "stderr:", *self.errors])

    def json(self) -> list[dict[str, Any]]:
        """Every line as an object."""
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., Tool]]:
    """`start("tools/NAME.py", "-x")` runs a tool; whatever still runs at the end is killed.

    The test's results name the tool with the number of lines it printed, for `summary.py`.
    """
    running: list[Tool] = []

    def begin(script: str, *args: str) -> Tool:
        running.append(Tool(script, *args))
        return running[-1]

    yield begin
    for tool in running:
        if tool.process.poll() is None:
            tool.process.kill()
        tool.process.wait()
        for reader in tool.readers:
            reader.join(DEADLINE)
    for name in {tool.name for tool in running if tool.name}:
        lines = sum(len(list(filter(None, t.lines))) for t in running if t.name == name)
        request.node.user_properties.append((name, lines))


def without(hooks: str, script: str) -> list[str]:
    """What `start` takes to run a tool as on a kernel that lacks some hooks (`without.py`)."""
    return ["tests/tools/without.py", hooks, str(TOP / script)]


def on_terminal(script: str, *args: str) -> bytes:
    """All that a tool which ends by itself writes to a terminal."""
    main, side = pty.openpty()
    with subprocess.Popen([sys.executable, str(TOP / script), *args], stdout=side) as running:
        os.close(side)
        shown = b""
        while True:
            try:
                shown += os.read(main, 4096)
            except OSError:  # the other side is closed
                break
        assert running.wait() == 0
    os.close(main)
    return shown


@pytest.fixture
def in_order() -> Iterator[None]:
    """Keeps the test and its children, but for tools, on one CPU: only rows of one CPU have an order."""
    os.sched_setaffinity(0, {min(CPUS)})
    yield
    os.sched_setaffinity(0, CPUS)


@pytest.fixture
def scratch_disk() -> str:
    """A block device that a test may write to; a guest always has one, a machine never."""
    disk = os.environ.get("BCC_TEST_DISK")
    if disk is None:
        assert "BCC_TEST_KERNEL" not in os.environ, "the guest harness gave no scratch disk"
        pytest.skip("block I/O is traced in guests only: it is no process's own")
    return disk


@pytest.fixture
def in_guest() -> str:
    """The guest's kernel series; what cannot be limited to own processes runs nowhere else."""
    kernel = os.environ.get("BCC_TEST_KERNEL")
    if kernel is None:
        pytest.skip("traces the whole machine: guests only")
    return kernel


def column(header: str, line: str, name: str) -> str:
    """A left-justified column's text by its offset below the header."""
    at = header.index(name)
    return line[at:].split(" ", 1)[0]


class Workload:
    """A process of `workload.c` that does what it is told and says when it has."""

    def __init__(self, program: Path) -> None:
        self.path = str(program)
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid

    def do(self, what: str, count: int, rest: object = "") -> None:
        """Has an action done `count` times and waits for its end."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{what} {count} {rest}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n", f"{what} was not done"

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="session")
def workload_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workload as an executable of its own name, `telling`."""
    program = tmp_path_factory.mktemp("workload") / "telling"
    source = Path(__file__).with_name("workload.c")
    flags = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls"]
    subprocess.run(["cc", *flags, "-o", program, source], check=True)
    return program


@pytest.fixture
def workload(workload_program: Path) -> Iterator[Workload]:
    """A running workload."""
    running = Workload(workload_program)
    yield running
    running.end()
