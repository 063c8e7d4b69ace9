"""biosnoop prints each request of a scratch disk with its sector, size and process."""

import mmap
import os

from conftest import column

SCRIPT = "tools/biosnoop.py"
PRIME = 11
BLOCK = 4096


def do_io(disk):
    """Direct I/O: eleven scattered writes, three reads in a row, and one that marks the end."""
    block = mmap.mmap(-1, BLOCK)
    fd = os.open(f"/dev/{disk}", os.O_RDWR | os.O_DIRECT)
    for number in range(PRIME):
        os.pwrite(fd, block, (1000 + number * 10) * BLOCK)
    for number in range(3):
        os.preadv(fd, [block], number * BLOCK)
    os.preadv(fd, [block], 5000 * BLOCK)
    os.close(fd)


END = str(5000 * BLOCK // 512)


def test_each_request_is_one_row(start, scratch_disk):
    tool = start(SCRIPT, "-P", "-Q", "-d", scratch_disk)
    header = tool.ready()
    assert header == (
        "TIME(s)     COMM           PID     DISK      T SECTOR     BYTES  P QUE(ms) LAT(ms)"
    )
    do_io(scratch_disk)
    tool.wait_for(lambda line: f" {END} " in line)
    assert tool.interrupt() == 0, tool.report()
    comm = open("/proc/self/comm").read().strip()
    rows = [line for line in tool.lines[1:] if column(header, line, "PID") == str(os.getpid())]
    # Each CPU has a buffer of its own, and these are read one after the other.
    rows.sort(key=lambda row: float(column(header, row, "TIME(s)")))
    writes = [row for row in rows if column(header, row, "T ") == "W"]
    assert [column(header, row, "SECTOR") for row in writes] == [
        str((1000 + number * 10) * BLOCK // 512) for number in range(PRIME)
    ], tool.report()
    for row in rows:
        assert column(header, row, "COMM") == comm[:14]
        assert column(header, row, "DISK") == scratch_disk
        assert float(row.split()[-1]) > 0 and float(row.split()[-2]) >= 0
    assert {column(header, row, "BYTES") for row in writes} == {str(BLOCK)}
    assert {column(header, row, "P Q") for row in writes[1:]} == {"R"}
    at = rows.index(writes[-1])
    assert [column(header, row, "P Q") for row in rows[at + 1 : at + 5]] == ["R", "S", "S", "R"]


def test_json_is_one_typed_object_a_line(start, scratch_disk):
    tool = start(SCRIPT, "--json", "-d", scratch_disk)
    tool.knock(lambda: do_io(scratch_disk))
    do_io(scratch_disk)
    tool.wait_for(lambda line: f'"sector": {END},' in line)
    assert tool.interrupt() == 0
    mine = [r for r in tool.json() if r["pid"] == os.getpid() and r["type"] == "W"]
    assert len(mine) >= PRIME
    assert {(r["bytes"], r["disk"]) for r in mine} == {(BLOCK, scratch_disk)}


def test_unknown_disk_is_one_line(start):
    tool = start(SCRIPT, "-d", "no-such-disk")
    assert tool.finish() == 1
    assert (tool.lines, tool.errors) == ([], ["no such disk 'no-such-disk'"])
