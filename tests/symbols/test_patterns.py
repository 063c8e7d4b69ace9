"""Patterns of function names: all places of a file, and the file read once for all of them."""

import os
import subprocess

from bcc import BPF

COUNT = 60
TEXT = b"""
BPF_HASH(seen, u64, u64, 1024);
int on_call(struct pt_regs *ctx) {
    u64 at = PT_REGS_IP(ctx);
    seen.increment(at);
    return 0;
}
"""


def program(directory):
    """A program whose functions `work_0` … are called once per line of input."""
    names = ["work_%d" % n for n in range(COUNT)]
    lines = ["#include <stdio.h>"]
    lines += ["__attribute__((noinline)) int %s(int x) { return x * %d; }" % (n, i) for i, n in enumerate(names)]
    lines += ["int main(void) { char line[8]; int sum = 0;", "while (fgets(line, sizeof(line), stdin)) {"]
    lines += ["sum += %s(line[0]);" % name for name in names]
    lines += ['puts("."); fflush(stdout); }', "return sum & 1; }"]
    source, binary = directory / "many.c", directory / "many"
    source.write_text("\n".join(lines))
    subprocess.run(["gcc", "-O1", "-g3", str(source), "-o", str(binary)], check=True)
    return binary


def bytes_read():
    """What this process has read of files so far."""
    with open("/proc/self/io") as io:
        return next(int(line.split()[1]) for line in io if line.startswith("rchar"))


def test_a_pattern_reads_its_file_once_however_much_it_matches(tmp_path):
    binary = program(tmp_path)
    pipe = subprocess.PIPE
    target = subprocess.Popen([binary], stdin=pipe, stdout=pipe, text=True)
    with BPF(text=TEXT) as b:
        b.attach_uprobe(name=bytes(binary), sym_re=b"main$", fn_name=b"on_call")
        before = bytes_read()
        b.attach_uprobe(name=bytes(binary), sym_re=b"work_7$", fn_name=b"on_call")
        for_one = bytes_read() - before
        b.detach_uprobe(name=bytes(binary), sym=b"work_7")
        before = bytes_read()
        b.attach_uprobe(name=bytes(binary), sym_re=b"work_", fn_name=b"on_call")
        for_all = bytes_read() - before
        assert for_one > 0 and for_all < for_one + os.path.getsize(binary) / 2, (for_one, for_all)
        target.stdin.write("x\n")
        target.stdin.flush()
        assert target.stdout.readline() == ".\n"
        # Each function at an address of its own, once.
        calls = {key.value: leaf.value for key, leaf in b[b"seen"].items()}
        assert len(calls) == COUNT and set(calls.values()) == {1}
    target.stdin.close()
    target.wait()
