"""The examples of the README, in a guest: they trace the whole machine."""

import mmap
import os
import subprocess

PRIME = 7


def test_hello_world_greets_each_new_process(start, in_guest):
    tool = start("examples/hello_world.py")
    tool.knock(lambda: subprocess.run(["/bin/true"], check=True))
    me = os.getpid()
    for _ in range(PRIME):
        subprocess.run(["/bin/true"], check=True)

    def mine():
        return [line for line in tool.lines if f"-{me} " in line or f"-{me}]" in line]

    tool.wait_for(lambda _: len(mine()) >= PRIME)
    assert all("Hello, World!" in line for line in tool.lines), tool.report()
    tool.interrupt()


def test_bitehist_counts_sizes(start, scratch_disk):
    tool = start("examples/tracing/bitehist.py")
    tool.ready()
    block = mmap.mmap(-1, 16384)
    fd = os.open(f"/dev/{scratch_disk}", os.O_RDWR | os.O_DIRECT)
    for number in range(PRIME):
        os.pwrite(fd, block, number * 65536)
    os.close(fd)
    assert tool.interrupt() == 0, tool.report()
    linear = tool.lines.index("linear histogram")
    log2_row = next(line for line in tool.lines[:linear] if line.split()[:3] == ["16", "->", "31"])
    linear_row = next(line for line in tool.lines[linear:] if line.split()[:2] == ["16", ":"])
    assert int(log2_row.split()[4]) == PRIME, tool.report()
    assert int(linear_row.split()[2]) == PRIME, tool.report()
