"""Detaching, and lines of the trace pipe.

What waits for the kernel is wall time; lines are CPU.
"""

import os
import pathlib
import subprocess
import tempfile

from bcc import BPF
from samples import TRACEFS, Rows, cpu, mount_tracefs, wall

FUNCTIONS, TRACEPOINTS, RUNS = 114, 51, 3
BURST, CALLS = 16, 500
PROBE = b"int on_hit(void *ctx) { return 0; }"
LINES = r"""
int on_call(struct pt_regs *ctx) {
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    #pragma unroll
    for (int i = 0; i < BURST; i++) {
        bpf_trace_printk("call %d of %d\n", i, pid);
    }
    return 0;
}
"""


def library(directory):
    """A shared library with as many functions, mapped by nobody."""
    source = "".join("int probed_%d(int a) { return a + %d; }\n" % (i, i) for i in range(FUNCTIONS))
    path = directory + "/probed.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", path]
    subprocess.run(command, input=source.encode(), check=True)
    return path.encode()


def uprobes_row(rows):
    samples = []
    with tempfile.TemporaryDirectory() as directory:
        path = library(directory)
        for _ in range(RUNS):
            b = BPF(text=PROBE)
            b.attach_uprobe(name=path, sym_re=b"^probed_.*", fn_name=b"on_hit")
            assert b.num_open_uprobes() == FUNCTIONS
            samples.append(wall(b.cleanup))
    rows.whole("detach 114 uprobes", samples)


def tracepoints_row(rows):
    # Of calls that hardly anybody makes meanwhile.
    events = pathlib.Path(TRACEFS, "events/syscalls")
    names = sorted(path.name for path in events.glob("sys_enter_[s-z]*"))
    samples = []
    for _ in range(RUNS):
        b = BPF(text=PROBE)
        for name in names[:TRACEPOINTS]:
            b.attach_tracepoint(tp=b"syscalls:" + name.encode(), fn_name=b"on_hit")
        assert b.num_open_tracepoints() == TRACEPOINTS
        samples.append(wall(b.cleanup))
    rows.whole("detach 51 tracepoints", samples)


def lines_row(rows):
    b = BPF(text=LINES.encode(), cflags=["-DBURST=%d" % BURST])
    b.attach_uprobe(name=b"c", sym=b"getppid", fn_name=b"on_call", pid=os.getpid())
    mine = str(os.getpid()).encode()
    # The kernel makes the buffer of the one global pipe as large as that only when told.
    pathlib.Path(TRACEFS, "buffer_size_kb").write_text("1408")
    b.trace_open()
    count, samples = BURST * CALLS, []

    def read():
        # Other programs' lines may come in between.
        seen = 0
        while seen < count:
            message = b.trace_fields()[5]
            seen += message.endswith(mine)

    for _ in range(7):
        for _ in range(CALLS):
            os.getppid()
        samples.append((cpu(read), count))
    rows.rate("trace_fields", samples)
    b.cleanup()


def main():
    mount_tracefs()
    rows = Rows()
    uprobes_row(rows)
    tracepoints_row(rows)
    lines_row(rows)
    rows.print()


if __name__ == "__main__":
    main()
