"""Arguments of USDT probes in every form compilers leave them in, against what the program prints."""

import ctypes as ct
import pathlib
import subprocess

import pytest
from bcc import BPF, USDT

PROGRAMS = pathlib.Path(__file__).resolve().parents[1] / "programs" / "usdt"

# Probe -> its arguments' C types; `text` is a pointer to a string.
PROBES = {
    "signed_ones": ["s8", "s16", "s32", "s64"],
    "unsigned_ones": ["u8", "u16", "u32", "u64"],
    "constants": ["s32", "s32", "s64", "u8"],
    "memory": ["s8", "s32", "s64", "u32", "text"],
    "places": ["s64", "s32"],
    "counted": ["s64"],
    "called": ["s64", "s16"],
}

HEAD = """
struct event_t { u32 probe; u32 pid; s64 values[5]; char text[16]; };
BPF_RINGBUF_OUTPUT(events, 16);
static inline void start(struct event_t *e, u32 probe) {
    __builtin_memset(e, 0, sizeof(*e));
    e->probe = probe;
    e->pid = bpf_get_current_pid_tgid() >> 32;
}
"""


def reader(index, ctype):
    """C statements that put argument `index` (from 0) into the event."""
    if ctype == "text":
        return "bpf_usdt_readarg_p(%d, ctx, &e.text, sizeof(e.text));" % (index + 1)
    return "{ %s v = 0; e.values[%d] = bpf_usdt_readarg(%d, ctx, &v) ? 0x5a5a5a5a : (s64)v; }" % (
        ctype, index, index + 1
    )


def handlers():
    text = HEAD
    for number, (probe, ctypes) in enumerate(PROBES.items()):
        reads = "\n    ".join(reader(index, ctype) for index, ctype in enumerate(ctypes))
        text += """
int on_%s(struct pt_regs *ctx) {
    struct event_t e;
    start(&e, %d);
    %s
    events.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
""" % (probe, number, reads)
    return text


class Target:
    """The program, fed line by line."""

    def __init__(self, binary):
        self.child = subprocess.Popen(
            [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.child.pid
        self.fire(0)  # past its loader

    def fire(self, number):
        """Feeds a number; returns what the program says it gave its probes, as text lines."""
        self.child.stdin.write("%d\n" % number)
        self.child.stdin.flush()
        lines = []
        for line in self.child.stdout:
            if line == ".\n":
                return lines
            lines.append(line.strip())
        raise AssertionError("the program ended")

    def close(self):
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()


FLAGS = {"O0": ["-O0"], "O2": ["-O2"], "fixed": ["-O2", "-no-pie", "-fno-pie"], "Os": ["-Os"]}


@pytest.fixture(scope="module", params=FLAGS.values(), ids=FLAGS.keys())
def binary(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("usdt")
    library, binary = directory / "libprobes.so", directory / "arguments"
    subprocess.run(
        ["gcc", *request.param, "-shared", "-fPIC", PROGRAMS / "library.c", "-o", library], check=True
    )
    subprocess.run(
        ["gcc", *request.param, PROGRAMS / "arguments.c", library, "-Wl,-rpath," + str(directory),
         "-o", binary],
        check=True,
    )
    return str(binary)


def line_of(event):
    """The event as the program prints it."""
    probe, ctypes = list(PROBES.items())[event.probe]
    values = [
        event.text.decode() if ctype == "text" else str(event.values[index])
        for index, ctype in enumerate(ctypes)
    ]
    if ctypes[-1] == "u64":
        values[-1] = str(ct.c_uint64(int(values[-1])).value)
    return " ".join([probe, *values])


def collect(b, fire):
    """[(pid, line)] of the events that `fire()` causes; `fire` returns how many there are."""
    table, got = b["events"], []

    def callback(ctx, data, size):
        event = table.event(data)
        got.append((event.pid, line_of(event)))

    table.open_ring_buffer(callback)
    count = fire()
    while len(got) < count:
        b.ring_buffer_poll()
    b.ring_buffer_consume()
    return got


def enable_all(usdt):
    for probe in PROBES:
        usdt.enable_probe(probe, "on_" + probe)


def test_every_argument_is_what_the_program_gave(binary):
    target = Target(binary)
    usdt = USDT(pid=target.pid)
    enable_all(usdt)
    said = []

    def fire():
        for number in (3, -5, 77, 100000, -2000001):
            said.extend(target.fire(number))
        return len(said)

    with BPF(text=handlers(), usdt_contexts=[usdt]) as b:
        got = collect(b, fire)
    assert got == [(target.pid, line) for line in said]
    # The probe with a semaphore fired only while somebody listened.
    assert sum(line.startswith("counted") for line in said) == 5
    assert not any(line.startswith("counted") for line in target.fire(1))
    target.close()


def test_two_processes_are_told_apart(binary):
    first, second, other = Target(binary), Target(binary), Target(binary)
    contexts = [USDT(pid=target.pid) for target in (first, second)]
    for usdt in contexts:
        enable_all(usdt)

    said = []

    def fire():
        for target, number in ((first, 11), (second, 22), (other, 33), (first, 44)):
            lines = target.fire(number)
            if target is not other:
                said.extend((target.pid, line) for line in lines)
        return len(said)

    with BPF(text=handlers(), usdt_contexts=contexts) as b:
        got = collect(b, fire)
    assert got == said
    for target in (first, second, other):
        target.close()


def test_file_without_process_serves_all_its_processes(binary):
    usdt, target = USDT(path=binary), Target(binary)
    usdt.enable_probe("args:signed_ones", "on_signed_ones")
    usdt.enable_probe("args:memory", "on_memory")
    said = []

    def fire():
        lines = target.fire(9)
        said.extend(line for line in lines if line.split()[0] in ("signed_ones", "memory"))
        return len(said)

    text = handlers_of("signed_ones", "memory")
    with BPF(text=text, usdt_contexts=[usdt]) as b:
        got = collect(b, fire)
    assert [line for _, line in got] == said
    target.close()


def handlers_of(*probes):
    """The handlers of some probes only."""
    parts = handlers().split("\nint ")
    wanted = ["on_%s(" % probe for probe in probes]
    return parts[0] + "".join("\nint " + p for p in parts[1:] if p.startswith(tuple(wanted)))


def test_arguments_are_read_from_a_static_function_too(binary):
    target = Target(binary)
    usdt = USDT(pid=target.pid)
    usdt.enable_probe("memory", "on_memory")
    usdt.enable_probe("places", "on_places")
    text = HEAD + """
static inline int fetch(struct pt_regs *ctx, struct event_t *e) {
    s8 tiny = 0; s32 medium = 0; s64 entry = 0; u32 global = 0;
    bpf_usdt_readarg(1, ctx, &tiny);
    bpf_usdt_readarg(2, ctx, &medium);
    bpf_usdt_readarg(3, ctx, &entry);
    bpf_usdt_readarg(4, ctx, &global);
    e->values[0] = tiny; e->values[1] = medium; e->values[2] = entry; e->values[3] = global;
    return bpf_usdt_readarg_p(5, ctx, &e->text, sizeof(e->text));
}
static inline s64 first_of_any(struct pt_regs *ctx) {
    s8 narrow = 0; s64 wide = 0;
    return bpf_usdt_readarg(1, ctx, &narrow) ? (bpf_usdt_readarg(1, ctx, &wide), wide) : narrow;
}
int on_memory(struct pt_regs *ctx) {
    struct event_t e;
    start(&e, 3);
    fetch(ctx, &e);
    if (first_of_any(ctx) != e.values[0]) return 0;
    events.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
int on_places(struct pt_regs *ctx) {
    struct event_t e;
    s32 kind = 0;
    start(&e, 4);
    e.values[0] = first_of_any(ctx);
    bpf_usdt_readarg(2, ctx, &kind);
    e.values[1] = kind;
    events.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
"""
    said = []

    def fire():
        said.extend(line for line in target.fire(6) if line.split()[0] in ("memory", "places"))
        return len(said)

    with BPF(text=text, usdt_contexts=[usdt]) as b:
        got = collect(b, fire)
    assert [line for _, line in got] == said and said
    target.close()
