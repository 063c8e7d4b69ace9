"""ext4slower prints the operations of this process on a file system of the scratch disk."""

import os
import subprocess

import pytest
from conftest import column, without

SCRIPT = "tools/ext4slower.py"
PRIME = 7
SIZE = 4096


@pytest.fixture
def directory(scratch_disk, tmp_path):
    """A new ext4, mounted."""
    mounted = tmp_path / "ext4"
    mounted.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-F", f"/dev/{scratch_disk}"], check=True)
    subprocess.run(["mount", "-t", "ext4", f"/dev/{scratch_disk}", mounted], check=True)
    yield mounted
    subprocess.run(["umount", mounted], check=True)


def do_io(directory):
    """What `operations` does, on one processor: events of different ones come in any order."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(processors)])
    operations(directory)
    os.sched_setaffinity(0, processors)


def operations(directory):
    """Seven writes, two fsyncs and seven reads, a synchronous write; `the-end` marks the end."""
    fd = os.open(directory / "telling", os.O_RDWR | os.O_CREAT)
    for number in range(PRIME):
        os.pwrite(fd, b"x" * SIZE, number * SIZE * 10)
    os.fsync(fd)
    os.fdatasync(fd)
    for number in range(PRIME):
        os.pread(fd, 100 + number, number * SIZE * 10)
    os.close(fd)
    # Its sync is part of the write.
    fd = os.open(directory / "synchronous", os.O_WRONLY | os.O_CREAT | os.O_SYNC)
    os.write(fd, b"y" * 5)
    os.close(fd)
    os.close(os.open(directory / "the-end", os.O_RDWR | os.O_CREAT))


def rows_of(tool, header, name):
    return [line for line in tool.lines if line[header.index("FILENAME") :] == name]


HOOKS = [("fentry", [SCRIPT]), ("kprobe", without("fentry", SCRIPT))]


@pytest.mark.parametrize(("hook", "script"), HOOKS, ids=[hook for hook, _ in HOOKS])
def test_each_operation_is_one_row(start, directory, hook, script):
    tool = start(*script, "-p", str(os.getpid()), "0")
    header = tool.wait_for(lambda line: line.startswith("TIME "))
    assert tool.lines[0] == "Tracing ext4 operations"
    assert header == "TIME     COMM           PID    T BYTES   OFF_KB   LAT(ms) FILENAME"
    # Trampolines in modules came with the modules' own types, in 5.11.
    possible = os.path.exists("/sys/kernel/btf/ext4")
    assert tool.program_kinds() == {hook if possible else "kprobe"}
    do_io(directory)
    tool.wait_for(lambda line: line.endswith(" the-end"))
    assert tool.interrupt() == 0, tool.report()
    rows = rows_of(tool, header, "telling")
    shown = [(column(header, row, "T B"), column(header, row, "BYTES"),
              column(header, row, "OFF_KB")) for row in rows]  # fmt: skip
    offsets = [str(number * 40) for number in range(PRIME)]
    assert shown == [
        ("O", "0", "0"),
        *(("W", str(SIZE), offset) for offset in offsets),
        ("S", "0", "0"),
        ("S", "0", "0"),
        *(("R", str(100 + i), offset) for i, offset in enumerate(offsets)),
    ], tool.report()
    comm = open("/proc/self/comm").read().strip()
    for row in rows:
        assert column(header, row, "COMM") == comm[:14]
        assert column(header, row, "PID") == str(os.getpid())
        assert float(row[header.index("LAT") : header.index("FILENAME")]) >= 0
    nested = [column(header, row, "T B") for row in rows_of(tool, header, "synchronous")]
    assert nested == ["O", "S", "W"], tool.report()


def test_threshold_values_and_json(start, directory):
    csv = start(SCRIPT, "-j", "-p", str(os.getpid()), "0")
    assert csv.ready() == "ENDTIME_us,TASK,PID,TYPE,BYTES,OFFSET_b,LATENCY_us,FILE"
    slow = start(SCRIPT, "-p", str(os.getpid()), "1000000")
    slow.wait_for(lambda line: line.startswith("TIME "))
    assert slow.lines[0] == "Tracing ext4 operations slower than 1000000 ms"
    tool = start(SCRIPT, "--json", "-p", str(os.getpid()), "0")
    tool.knock(lambda: os.close(os.open(directory / "knock", os.O_RDWR | os.O_CREAT)))
    do_io(directory)
    for running in (tool, csv):
        running.wait_for(lambda line: "the-end" in line)
        assert running.interrupt() == 0
    assert slow.interrupt() == 0 and len(slow.lines) == 2, slow.report()
    written = [r for r in tool.json() if r["file"] == "telling" and r["type"] == "W"]
    offsets = [number * SIZE * 10 for number in range(PRIME)]
    assert [(r["ret"], r["offset"], r["pid"]) for r in written] == [
        (SIZE, offset, os.getpid()) for offset in offsets
    ]
    assert all(r["latency_us"] >= 0 and r["end_us"] > 0 for r in written)
    fields = [line.split(",") for line in csv.lines[1:] if line.endswith(",telling")]
    writes = [f for f in fields if f[3] == "W"]
    assert [f[5] for f in writes] == [str(offset) for offset in offsets], csv.report()
    comm = open("/proc/self/comm").read().strip()
    assert {(f[1], f[2], f[4]) for f in writes} == {(comm, str(os.getpid()), str(SIZE))}
    ends = [int(f[0]) for f in fields]
    assert ends == sorted(ends)


def test_mistakes_are_one_line(start):
    tool = start(SCRIPT, "often")
    assert tool.finish() == 2
    assert tool.errors[-1] == "ext4slower.py: error: argument min_ms: must be an integer"
