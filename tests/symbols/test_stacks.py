"""Stack tables: user, kernel and build-id stacks, against what programs and the kernel say."""

import subprocess
from typing import NamedTuple

import pytest
from bcc import BPF, USDT


class Event(NamedTuple):
    """A copy: the data is gone when the callback returns."""

    user: int
    id: int
    way: int


USER = """
BPF_STACK_TRACE(stacks, 1024);
BPF_STACK_TRACE_BUILDID(ids, 1024);
struct event_t { s64 user; s64 id; u64 way; };
BPF_RINGBUF_OUTPUT(events, 8);
int on_leaf(struct pt_regs *ctx) {
    struct event_t e = {};
    e.user = stacks.get_stackid(ctx, BPF_F_USER_STACK);
    e.id = ids.get_stackid(ctx, BPF_F_USER_STACK);
    bpf_usdt_readarg(1, ctx, &e.way);
    events.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
"""

KERNEL = """
BPF_STACK_TRACE(stacks, 1024);
BPF_ARRAY(last, s64, 1);
BPF_ARRAY(wanted, u32, 1);
TRACEPOINT_PROBE(sched, sched_switch) {
    int zero = 0;
    u32 *pid = wanted.lookup(&zero);
    s64 *id = last.lookup(&zero);
    if (pid && id && *pid == args->prev_pid)
        *id = stacks.get_stackid(args, 0);
    return 0;
}
"""


@pytest.fixture
def binary(build):
    flags = ["-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-Wl,--build-id=sha1"]
    return build("stacks.c", *flags)


@pytest.fixture
def walked(binary, start):
    """(module, event, the way the program says it went)."""
    target = start(binary, 1)
    usdt = USDT(pid=target.pid)
    usdt.enable_probe("leaf", "on_leaf")
    with BPF(text=USER, usdt_contexts=[usdt]) as b:
        got = []
        table = b["events"]

        def callback(ctx, data, size):
            event = table.event(data)
            got.append(Event(event.user, event.id, event.way))

        table.open_ring_buffer(callback)
        target.say("%d 1 %d" % (0b1011001110001, 13))
        way = target.line()
        while not got:
            b.ring_buffer_poll()
        b.target = target
        yield b, got[0], way


def test_user_stack_is_the_way_the_program_went(walked):
    b, event, way = walked
    names = way.split(";")
    stacks, pid = b["stacks"], b.target.pid
    found = [b.sym(address, pid).decode() for address in stacks.walk(event.user)]
    assert found[: len(names)] == names[::-1]
    assert list(stacks.walk(event.user, lambda a: b.sym(a, pid).decode())) == found
    assert [name.decode() for name in stacks.symbols(event.user, pid)] == found
    innermost = next(stacks.walk(event.user))
    assert 0 <= innermost - b.target.addresses["leaf"] < 64
    assert event.way == 0b1011001110001
    with pytest.raises(KeyError):
        stacks.walk(-14)


def test_folded_lines_are_outermost_first(walked):
    b, event, way = walked
    folded = b["stacks"].folded(event.user, pid=b.target.pid, name=b"stacks").decode()
    head, _, rest = folded.partition(";")
    assert head == "stacks" and rest.endswith(way)
    offsets = b["stacks"].folded(event.user, pid=b.target.pid, show_offset=True).decode()
    assert "main+0x" in offsets and ";leaf+0x" in offsets
    assert b["stacks"].folded(-17, -14, name=b"x") == b"x;[Missed User Stack]"
    assert b["stacks"].folded(name=b"x") == b"x"
    both = b["stacks"].folded(event.user, event.user, b.target.pid, delimiter=True)
    assert both.count(b";-;") == 1


def test_build_id_stack_names_file_and_offset(walked, binary):
    b, event, way = walked
    told = subprocess.run(["readelf", "-n", binary], capture_output=True, text=True, check=True)
    build_id = told.stdout.split("Build ID: ")[1].split()[0]
    frames = list(b["ids"].walk(event.id))
    names = way.split(";")
    own = frames[: len(names)]
    assert {bytes(frame.build_id).hex() for frame in own} == {build_id}
    # The first segment of code begins at the same offset as address in a file linked so.
    assert own[0].offset % 4096 == next(b["stacks"].walk(event.user)) % 4096
    b.add_module(binary.encode())
    assert [b.sym(frame, -1).decode() for frame in own] == names[::-1]
    folded = b["ids"].folded(event.id).decode()
    assert folded.endswith(way)


def test_kernel_stack_is_where_the_kernel_says_it_sleeps(build, start):
    with BPF(text=KERNEL) as b:
        target = start(build("symbols.c"), 3)
        b["wanted"][0] = b["wanted"].Leaf(target.pid)
        # It wakes for the byte, and sleeps again for the next.
        target.say("")
        found = told = []
        while not told or "pipe_read" not in told[0] or told[0] not in found:
            told, stack = kernel_stack(target.pid), b["last"][0].value
            if stack > 0:
                found = [b.ksym(a, show_offset=True).decode() for a in b["stacks"].walk(stack)]
        assert found[-len(told) :] == told
        assert len(told) > 3
        folded = b["stacks"].folded(kernel_id=stack, show_offset=True).decode().split(";")
        assert folded == found[::-1]


def kernel_stack(pid):
    """Lines of `/proc/PID/stack`, without sizes and addresses."""
    with open("/proc/%d/stack" % pid) as lines:
        return [line.split("] ")[1].split("/")[0].strip() for line in lines]
