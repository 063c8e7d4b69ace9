"""biolatency's counts are those of the disk's own statistics."""

import mmap
import os

import pytest

SCRIPT = "tools/biolatency.py"
PRIME = 101
BLOCK = 4096


def completed(disk):
    """Reads and writes that the kernel counted for the disk."""
    fields = open(f"/sys/block/{disk}/stat").read().split()
    return int(fields[0]) + int(fields[4])


def do_io(disk, count=PRIME, kinds="rw"):
    """`count` direct reads and writes of one block each, none next to another."""
    before = completed(disk)
    block = mmap.mmap(-1, BLOCK)
    fd = os.open(f"/dev/{disk}", os.O_RDWR | os.O_DIRECT)
    for number in range(count):
        if "w" in kinds:
            os.pwrite(fd, block, number * 3 * BLOCK)
        if "r" in kinds:
            os.preadv(fd, [block], number * 3 * BLOCK)
    os.close(fd)
    done = completed(disk) - before
    assert done >= len(kinds) * count
    return done


def counts(lines):
    """The count column of a histogram's rows."""
    rows = [line for line in lines if "->" in line and "|" in line]
    return [int(row.split(":")[1].split("|")[0]) for row in rows]


@pytest.mark.parametrize("queued", [[], ["-Q"]], ids=["issued", "queued"])
def test_counts_agree_with_the_disk(start, scratch_disk, queued):
    tool = start(SCRIPT, "-d", scratch_disk, *queued)
    assert tool.ready() == "Tracing block device I/O... Hit Ctrl-C to end."
    done = do_io(scratch_disk)
    assert tool.interrupt() == 0, tool.report()
    assert sum(counts(tool.lines)) == done, tool.report()
    assert tool.lines[2].split(":")[0].strip() == "usecs", tool.report()
    assert tool.errors == []


def test_each_disk_has_its_own_histogram(start, scratch_disk):
    tool = start(SCRIPT, "-D", "-m", "-T")
    tool.ready()
    done = do_io(scratch_disk, 31)
    assert tool.interrupt() == 0
    at = tool.lines.index(f"disk = {scratch_disk}")
    following = tool.lines[at + 1 :]
    end = next((i for i, line in enumerate(following) if line.startswith("disk =")), None)
    assert sum(counts(following[:end])) == done, tool.report()
    assert "msecs" in following[0]
    assert tool.lines[2][2] == ":"


@pytest.mark.parametrize("queued", [[], ["-Q"]], ids=["issued", "queued"])
def test_flags_tell_reads_from_writes(start, scratch_disk, queued):
    tool = start(SCRIPT, "-F", "-j", "-d", scratch_disk, *queued, "1")
    # There is no start line: reads until a report comes, and then the writes that are counted.
    tool.knock(lambda: do_io(scratch_disk, 1, "r"))
    do_io(scratch_disk, kinds="w")
    assert tool.interrupt() == 0
    assert all(set(r) == {"ts", "val_type", "data", "flags"} for r in tool.json())
    by_operation = {"Read": 0, "Write": 0}
    for record in tool.json():
        operation = record["flags"].rsplit("-", 1)[-1]
        by_operation[operation] += sum(row["count"] for row in record["data"])
    assert by_operation["Write"] == PRIME and by_operation["Read"] >= 1, tool.report()


def test_average_is_total_by_count(start, scratch_disk):
    tool = start(SCRIPT, "-e", "-d", scratch_disk)
    tool.ready()
    done = do_io(scratch_disk, 17)
    assert tool.interrupt() == 0
    (line,) = [line for line in tool.lines if line.startswith("avg = ")]
    words = line.replace(",", "").split()
    average, total, count = int(words[2]), int(words[5]), int(words[8])
    assert count == done, tool.report()
    assert average == total // count > 0


def test_reports_end_after_their_count(start, scratch_disk):
    tool = start(SCRIPT, "1", "2")
    assert tool.finish() == 0, tool.report()


def test_mistakes_are_one_line(start):
    for args, text in (
        (["-D", "-F"], "ERROR: can only use -D or -F. Exiting."),
        (["-d", "no-such-disk"], "no such disk 'no-such-disk'"),
    ):
        tool = start(SCRIPT, *args)
        assert tool.finish() == 1
        assert (tool.lines, tool.errors) == ([], [text])
