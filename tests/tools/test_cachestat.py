"""cachestat's counts are those of a known number of pages read and written through the cache."""

import os

import pytest
from conftest import without

SCRIPT = "tools/cachestat.py"
PAGE = os.sysconf("SC_PAGE_SIZE")
# Enough to stand out of what else the machine reads meanwhile.
PAGES = 2003
NOISE = PAGES // 10
HEADER = "    HITS   MISSES  DIRTIES HITRATIO   BUFFERS_MB  CACHED_MB"


def uncached(disk, flags):
    """The disk, none of it in the page cache, read without reading ahead."""
    fd = os.open(f"/dev/{disk}", flags)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    return fd


def read_pages(fd):
    for page in range(PAGES):
        assert len(os.pread(fd, 1, page * PAGE)) == 1


def write_pages(fd):
    for page in range(PAGES):
        os.pwrite(fd, b"x" * PAGE, page * PAGE)


def fields(header, row):
    """Right-justified numbers by the offset where their title ends."""
    titles = header.split()
    ends = [header.index(title) + len(title) for title in titles]
    begins = [0, *ends[:-1]]
    cells = [row[begin:end].strip() for begin, end in zip(begins, ends, strict=True)]
    return {t: float(c.rstrip("%")) for t, c in zip(titles, cells, strict=True)}


def counted(start, work, *args, script=(SCRIPT,)):
    """The one row of a tool that ran while `work` was done."""
    tool = start(*script, *args, "9999")
    header = tool.ready()
    work()
    assert tool.interrupt() == 0, tool.report()
    assert len(tool.lines) == 3 and tool.lines[2] == "Detaching...", tool.report()
    assert tool.errors == []
    return header, tool.lines[1]


def test_pages_read_first_are_misses_and_then_hits(start, scratch_disk):
    fd = uncached(scratch_disk, os.O_RDONLY)
    header, row = counted(start, lambda: read_pages(fd))
    assert header == HEADER
    first = fields(header, row)
    assert abs(first["MISSES"] - PAGES) <= NOISE, row
    assert first["HITS"] <= NOISE, row
    header, row = counted(start, lambda: read_pages(fd))
    second = fields(header, row)
    assert abs(second["HITS"] - PAGES) <= NOISE, row
    assert second["MISSES"] <= NOISE and second["HITRATIO"] >= 90, row
    os.close(fd)


def test_without_fentry_a_kprobe_counts_the_same(start, scratch_disk):
    fd = uncached(scratch_disk, os.O_RDONLY)
    header, row = counted(start, lambda: read_pages(fd), script=without("fentry", SCRIPT))
    os.close(fd)
    assert abs(fields(header, row)["MISSES"] - PAGES) <= NOISE, row
    assert fields(header, row)["HITS"] <= NOISE, row


def test_pages_written_are_dirties(start, scratch_disk):
    fd = uncached(scratch_disk, os.O_RDWR)
    header, row = counted(start, lambda: write_pages(fd), "-T")
    os.fsync(fd)
    os.close(fd)
    assert header == f"{'TIME':<8} {HEADER}"
    assert row[2] == row[5] == ":"
    assert abs(fields(HEADER, row[9:])["DIRTIES"] - PAGES) <= NOISE, row


def test_memory_columns_are_those_of_meminfo(start, in_guest):
    tool = start(SCRIPT, "1", "1")
    header = tool.ready()
    assert tool.finish() == 0, tool.report()
    with open("/proc/meminfo") as info:
        sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in info}
    assert len(tool.lines) == 2, "after its count it ends without a word"
    row = fields(header, tool.lines[1])
    assert row["CACHED_MB"] == pytest.approx(sizes["Cached"], abs=8)
    assert row["BUFFERS_MB"] == pytest.approx(sizes["Buffers"], abs=8)


def test_json_is_one_typed_object_a_line(start, scratch_disk):
    fd = uncached(scratch_disk, os.O_RDONLY)
    tool = start(SCRIPT, "--json", "1")
    # There is no start line: a first report says that counting has begun.
    tool.wait_for(lambda line: line.startswith("{"))
    read_pages(fd)
    assert tool.interrupt() == 0, tool.report()
    os.close(fd)
    records = tool.json()
    assert abs(sum(r["misses"] for r in records[1:]) - PAGES) <= NOISE, tool.report()
    assert set(records[0]) == {
        "time", "hits", "misses", "dirties", "hit_ratio", "buffers_mb", "cached_mb",
    }  # fmt: skip
    assert isinstance(records[0]["hits"], int) and isinstance(records[0]["hit_ratio"], float)


def test_a_kernel_without_kprobes_says_so(start):
    if os.path.exists("/sys/bus/event_source/devices/kprobe"):
        pytest.skip("this kernel has kprobes")
    tool = start(SCRIPT, "1", "1")
    assert tool.finish() == 1
    assert len(tool.errors) == 1 and "folio_mark_accessed" in tool.errors[0], tool.report()
