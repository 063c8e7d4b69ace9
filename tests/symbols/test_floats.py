"""Floating-point arguments of static probes: read where a probe can look, refused where it cannot."""

import struct
import subprocess

import pytest
from bcc import BPF, USDT

HEAD = """
struct event_t { u64 wide; u64 of_table; u64 global; u32 narrow; };
BPF_RINGBUF_OUTPUT(events, 16);
int on_all(struct pt_regs *ctx) {
    struct event_t e = {};
"""
TAIL = """
    events.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
"""
FIELDS = ["wide", "narrow", "of_table", "global"]
LINES = ["2.5", "-1e5", "3.0000001", "0", "-7"]


def handler(*fields):
    """A program that reads these arguments."""
    return HEAD + "".join(
        "bpf_usdt_readarg(%d, ctx, &e.%s);" % (FIELDS.index(field) + 1, field) for field in fields
    ) + TAIL


class Target:
    """The program, built with these flags; `places` are its arguments as `readelf` shows them."""

    def __init__(self, build, *flags):
        self.binary = build("usdt/floats.c", *flags)
        notes = subprocess.run(["readelf", "-n", self.binary], capture_output=True, text=True, check=True)
        line = next(line for line in notes.stdout.splitlines() if "Arguments:" in line)
        self.places = dict(zip(FIELDS, line.split()[1:]))
        pipe = subprocess.PIPE
        self.child = subprocess.Popen([self.binary], stdin=pipe, stdout=pipe, text=True)
        self.fire("1")

    def fire(self, line):
        """What the program gave its probe."""
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        return dict(zip(FIELDS, map(float.fromhex, self.child.stdout.readline().split())))

    def usdt(self):
        """A context with the probe enabled."""
        usdt = USDT(pid=self.child.pid)
        usdt.enable_probe("floats:all", "on_all")
        return usdt


@pytest.fixture
def target(build):
    """`target(flags...)`: a running `Target`, ended afterwards."""
    made = []

    def make(*flags):
        made.append(Target(build, *flags))
        return made[-1]

    yield make
    for each in made:
        each.child.stdin.close()
        each.child.stdout.close()
        each.child.wait()


def seen(target, *fields):
    """What the program gave, and what was read, of these arguments, line by line."""
    said, got = [], []
    with BPF(text=handler(*fields), usdt_contexts=[target.usdt()]) as b:
        table = b["events"]

        def callback(ctx, data, size):
            event = table.event(data)
            numbers = {}
            for field in fields:
                bits = struct.pack("<I" if field == "narrow" else "<Q", getattr(event, field))
                numbers[field], = struct.unpack("<f" if field == "narrow" else "<d", bits)
            got.append(numbers)

        table.open_ring_buffer(callback)
        for line in LINES:
            given = target.fire(line)
            said.append({field: given[field] for field in fields})
        while len(got) < len(said):
            b.ring_buffer_poll()
    return said, got


@pytest.mark.parametrize("flags", [["-O0"], ["-O2"], ["-O2", "-no-pie"], ["-Os"]], ids=" ".join)
def test_numbers_are_what_the_program_gave(target, flags):
    running = target(*flags)
    assert not any("xmm" in place for place in running.places.values())
    said, got = seen(running, *FIELDS)
    assert got == said and len(got) == len(LINES)


def test_without_optimisation_all_but_what_was_loaded_last_is_in_memory(target):
    running = target("-O0", "-DSTAP_SDT_ARG_CONSTRAINT=norx")
    readable = [field for field, place in running.places.items() if "xmm" not in place]
    assert readable[:2] == ["wide", "narrow"]
    said, got = seen(running, *readable)
    assert got == said


def test_a_number_in_a_vector_register_is_an_error_that_names_it(target, capfd):
    running = target("-O2", "-DSTAP_SDT_ARG_CONSTRAINT=norx")
    assert running.places["wide"] == "8f@%xmm0" and running.places["narrow"].startswith("4f@%xmm")
    for field in ("wide", "narrow"):
        with pytest.raises(Exception) as error:
            BPF(text=handler(field), usdt_contexts=[running.usdt()])
        message = "argument %d of probe floats:all is %s, a vector register" % (
            FIELDS.index(field) + 1, running.places[field]
        )
        assert message in str(error.value) + capfd.readouterr().err


def test_the_other_arguments_of_such_a_probe_are_read(target):
    running = target("-O2", "-DSTAP_SDT_ARG_CONSTRAINT=norx")
    said, got = seen(running, "of_table", "global")
    assert got == said and len(got) == len(LINES)
