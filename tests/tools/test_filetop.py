"""filetop counts this process's reads and writes of files with telling names."""

import os
import socket
import subprocess
import sys

import pytest
from conftest import TOP, column, on_terminal, without

SCRIPT = "tools/filetop.py"
READS, WRITES = 13, 7
READ_SIZE, WRITE_SIZE = 3000, 5000
HEADER = "TID     COMM             READS  WRITES R_Kb    W_Kb    T FILE"
LONG = "telling-name-that-is-cut-after-" + "x" * 30


def do_io(directory, end="the-end"):
    """Reads and writes a file, half of them at a place, and one with a long name."""
    fd = os.open(directory / "telling", os.O_RDWR | os.O_CREAT)
    for number in range(WRITES):
        os.write(fd, b"x" * WRITE_SIZE) if number % 2 else os.pwrite(fd, b"x" * WRITE_SIZE, 0)
    for number in range(READS):
        os.read(fd, READ_SIZE) if number % 2 else os.pread(fd, READ_SIZE, 0)
    os.close(fd)
    for name in (LONG, end):
        fd = os.open(directory / name, os.O_RDWR | os.O_CREAT)
        os.write(fd, b"x")
        os.read(fd, 1)
        os.close(fd)


def sums(tool, name):
    """The four numbers of a file over all reports, and the types shown."""
    total, types = [0, 0, 0, 0], set()
    for line in tool.lines:
        if line[HEADER.index("FILE") :] != name or column(HEADER, line, "TID") == "TID":
            continue
        assert column(HEADER, line, "TID") == str(os.getpid())
        assert column(HEADER, line, "COMM") == open("/proc/self/comm").read().split()[0]
        names = ("READS", "WRITES", "R_Kb", "W_Kb")
        total = [a + int(column(HEADER, line, b)) for a, b in zip(total, names, strict=True)]
        types.add(column(HEADER, line, "T F"))
    return total, types


def begun(tool):
    return tool.wait_for(lambda line: line.startswith("Tracing... "))


def test_each_file_is_one_row_of_a_report(start, tmp_path):
    tool = start(SCRIPT, "-C", "-p", str(os.getpid()), "1")
    assert begun(tool) == "Tracing... Output every 1 secs. Hit Ctrl-C to end"
    do_io(tmp_path)
    tool.wait_for(lambda line: line.endswith(" the-end"))
    assert tool.interrupt() == 0, tool.report()
    assert tool.lines[-1] == "Detaching..."
    at = tool.lines.index(HEADER)
    assert tool.lines[at - 3] == "" and tool.lines[at - 1] == "", tool.report()
    clock, word, *_ = tool.lines[at - 2].split()
    assert len(clock) == 8 and word == "loadavg:"
    (reads, writes, read_kb, written_kb), types = sums(tool, "telling")
    assert (reads, writes, types) == (READS, WRITES, {"R"}), tool.report()
    # Each report cuts its own.
    reports = tool.lines.count(HEADER)
    assert 0 <= READS * READ_SIZE / 1024 - read_kb < reports
    assert 0 <= WRITES * WRITE_SIZE / 1024 - written_kb < reports
    cut = [line for line in tool.lines if " telling-name" in line]
    shown = {line[HEADER.index("FILE") :] for line in cut}
    assert len(shown) == 1, tool.report()
    (name,) = shown
    assert name.endswith("...") and len(name) in (32, 40) and LONG.startswith(name[:-3])


def test_without_syscall_tracepoints(start, tmp_path, in_guest):
    tool = start(*without("tracepoints", SCRIPT), "-C", "-p", str(os.getpid()), "1")
    begun(tool)
    assert tool.program_kinds() == {"kprobe"}
    do_io(tmp_path)
    tool.wait_for(lambda line: line.endswith(" the-end"))
    assert tool.interrupt() == 0, tool.report()
    assert sums(tool, "telling")[0][:2] == [READS, WRITES], tool.report()


def test_one_directory_one_kind_of_call_and_json(start, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    mine = ["-p", str(os.getpid()), "1"]
    reads = start(SCRIPT, "--json", "--read-only", *mine)
    writes = start(SCRIPT, "-C", "--write-only", "-d", str(other), *mine)
    begun(writes)
    reads.knock(lambda: do_io(tmp_path))
    do_io(other, "the-end-of-others")
    writes.wait_for(lambda line: line.endswith(" the-end-of-others"))
    reads.wait_for(lambda line: "the-end-of-others" in line)
    assert reads.interrupt() == 0 and writes.interrupt() == 0
    inode = other.stat().st_ino
    assert writes.lines[0] == f"Tracing directory: {other} (Inode: {inode})"
    (read, written, read_kb, _), _ = sums(writes, "telling")
    assert (read, written, read_kb) == (0, WRITES, 0), writes.report()
    assert " the-end\n" not in "\n".join(writes.lines)
    file = (other / "telling").stat()
    found = [r for r in reads.json() if r["inode"] == file.st_ino and r["file"] == "telling"]
    assert sum(r["reads"] for r in found) == READS, reads.report()
    assert sum(r["rbytes"] for r in found) == READS * READ_SIZE
    assert {(r["writes"], r["wbytes"], r["type"], r["tid"]) for r in found} == {
        (0, 0, "R", os.getpid())
    }
    device = [os.major(file.st_dev), os.minor(file.st_dev)]
    assert all(r["dev"] == device and r["rdev"] == [0, 0] for r in found)


@pytest.mark.parametrize("sort", ["all", "reads", "writes", "rbytes", "wbytes"])
def test_all_kinds_of_files_sorted(start, tmp_path, sort):
    fifo = tmp_path / "telling-fifo"
    os.mkfifo(fifo)
    tool = start(SCRIPT, "-C", "-a", "-s", sort, "-p", str(os.getpid()), "1")
    begun(tool)
    one, other = socket.socketpair()
    fd = os.open(fifo, os.O_RDWR)
    for _ in range(WRITES):
        os.write(one.fileno(), b"abc")
        os.write(fd, b"d")
    os.read(other.fileno(), 100)
    os.close(fd)
    do_io(tmp_path)
    tool.wait_for(lambda line: line.endswith(" the-end"))
    assert tool.interrupt() == 0, tool.report()
    assert sums(tool, "telling-fifo") == ([0, WRITES, 0, 0], {"O"}), tool.report()
    rows = [rows_of(report) for report in "\n".join(tool.lines).split(HEADER)[1:]]
    assert "S" in {column(HEADER, row, "T F") for report in rows for row in report}, tool.report()
    names = {"reads": "READS", "writes": "WRITES", "rbytes": "R_Kb", "wbytes": "W_Kb"}
    for report in rows if sort in names else []:
        numbers = [int(column(HEADER, row, names[sort])) for row in report]
        assert numbers == sorted(numbers, reverse=True), tool.report()


def rows_of(report):
    return [line for line in report.splitlines() if line.startswith(f"{os.getpid()} ")]


def test_a_report_has_no_more_rows_than_asked_for(start, tmp_path):
    tool = start(SCRIPT, "-C", "-r", "1", "-s", "writes", "-p", str(os.getpid()), "1")
    begun(tool)
    do_io(tmp_path)
    tool.wait_for(lambda line: line.startswith(f"{os.getpid()} "))
    assert tool.interrupt() == 0
    reports = "\n".join(tool.lines).split(HEADER)[1:]
    assert max(len(rows_of(report)) for report in reports) == 1, tool.report()


def test_a_terminal_is_cleared_and_a_pipe_is_not():
    words = ["-p", "1", "1", "2"]
    assert on_terminal(SCRIPT, *words).count(b"\x1b[H\x1b[2J") == 2
    assert b"\x1b" not in on_terminal(SCRIPT, "-C", *words)
    done = subprocess.run([sys.executable, str(TOP / SCRIPT), *words], capture_output=True)
    assert done.stdout.count(HEADER.encode()) == 2 and b"\x1b" not in done.stdout


def test_mistakes_are_one_line(start):
    both = start(SCRIPT, "--read-only", "--write-only")
    assert both.finish() == 1
    assert both.errors == ["Both read-only and write-only flags passed"]
    absent = start(SCRIPT, "-d", "/nonexistent")
    assert absent.finish() == 1
    assert absent.lines == [] and absent.errors[0].startswith("Error accessing directory /nonexistent: ")
    sort = start(SCRIPT, "-s", "age")
    assert sort.finish() == 2
    assert "argument -s/--sort: invalid choice: 'age' (choose from 'all', " in sort.errors[-1]
