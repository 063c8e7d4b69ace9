"""A Python program through the static probes of Debian's interpreter."""

import subprocess

from bcc import BPF, USDT

# Tells each of its calls by itself. Python 3.11 comes by its probes only while something traces or
# profiles.
SCRIPT = """
import sys
def told(name):
    print(name, sys._getframe(1).f_code.co_firstlineno, flush=True)
def outer(depth):
    told("outer")
    inner(depth)
def inner(depth):
    told("inner")
    if depth:
        outer(depth - 1)
sys.setprofile(lambda *event: None)
for line in sys.stdin:
    outer(int(line))
    print(".", flush=True)
"""

TEXT = """
struct event_t { u64 line; char file[32]; char function[32]; };
BPF_RINGBUF_OUTPUT(events, 64);
int on_entry(struct pt_regs *ctx) {
    struct event_t e = {};
    int line = 0;
    bpf_usdt_readarg_p(1, ctx, &e.file, sizeof(e.file));
    bpf_usdt_readarg_p(2, ctx, &e.function, sizeof(e.function));
    bpf_usdt_readarg(3, ctx, &line);
    e.line = line;
    events.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
"""


def test_functions_are_seen_as_the_program_calls_them(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(SCRIPT)
    argv = ["/usr/bin/python3", "-I", str(script)]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(depth):
        child.stdin.write("%d\n" % depth)
        child.stdin.flush()
        return list(iter(child.stdout.readline, ".\n"))

    call(0)
    usdt = USDT(pid=child.pid)
    usdt.enable_probe("python:function__entry", "on_entry")
    assert usdt.get_probe_arg_ctype("function__entry", 2) == "int32_t"
    got = []
    with BPF(text=TEXT, usdt_contexts=[usdt]) as b:
        table = b["events"]

        def callback(ctx, data, size):
            event = table.event(data)
            if event.function in (b"outer", b"inner"):
                got.append(("%s %d\n" % (event.function.decode(), event.line), event.file))

        table.open_ring_buffer(callback)
        said = call(5)
        while len(got) < len(said):
            b.ring_buffer_poll()
        b.ring_buffer_consume()
    assert [line for line, _ in got] == said and len(said) == 12
    assert {name for _, name in got} == {str(script).encode()[:32]}
    child.stdin.close()
    child.stdout.close()
    assert child.wait() == 0
