"""Keys and leaves as ctypes objects of any kind, one by one and in lists; callbacks of any kind."""

import ctypes as ct
import gc
import os
import time

import pytest
from bcc import BPF
from bcc.table import MapError

TEXT = """
BPF_HASH(longs, u64, s64, 64);
BPF_HASH(shorts, u16, char, 64);
BPF_HASH(floats, u32, double, 64);
BPF_RINGBUF_OUTPUT(ring, 4);
BPF_PERF_OUTPUT(perf);
BPF_ARRAY(hits, u64, 1);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
    hits.increment(0);
    u64 two[2] = {1, 2};
    ring.ringbuf_output(&two, 8, 0);
    ring.ringbuf_output(&two, 16, 0);
    perf.perf_submit(args, &two, 8);
    perf.perf_submit(args, &two, 16);
    return 0;
}
int on_other(void *ctx) { return 0; }
"""


@pytest.fixture
def b():
    with BPF(text=TEXT, cflags=[f"-DPID={os.getpid()}"]) as b:
        yield b


class Counted(ct.c_longlong):
    """A leaf class that knows how often it was made."""

    made = 0

    def __init__(self, *arguments):
        ct.c_longlong.__init__(self, *arguments)
        Counted.made += 1


def test_keys_of_other_classes_and_foreign_memory_find_the_same_element(b):
    table = b["longs"]
    table[table.Key(5)] = table.Leaf(-7)
    memory = bytearray(b"\5" + bytes(7))
    big = table.Key(5)
    ct.resize(big, 64)
    sub = type("Sub", (ct.c_ulong,), {})
    for key in (ct.c_int(5), ct.c_ubyte(5), sub(5), table.Key.from_buffer(memory), big, (ct.c_uint * 2)(5, 0)):
        assert table[key].value == -7, key
    memory[0] = 6
    with pytest.raises(KeyError) as missing:
        table[table.Key.from_buffer(memory)]
    assert missing.value.args == ()
    with pytest.raises(KeyError):
        del table[ct.c_int(6)]
    with pytest.raises(MapError, match="the key of longs is 8 bytes, not 24"):
        table[(ct.c_ulong * 3)()]
    with pytest.raises(TypeError):
        table[5]


def test_leaves_are_made_by_a_class_of_the_scripts_own(b):
    table = b.get_table("longs", leaftype=Counted)
    table[table.Key(1)] = Counted(-3)
    before = Counted.made
    leaf = table[table.Key(1)]
    assert (type(leaf), leaf.value, Counted.made) == (Counted, -3, before + 1)
    table.Leaf = ct.c_ulonglong
    assert table[table.Key(1)].value == 2**64 - 3


def test_lists_hold_scalars_of_the_very_classes_each_with_its_own_memory(b):
    table = b["longs"]
    for number in range(40):
        table[ct.c_ulong(number)] = ct.c_long(-number)
    items = table.items()
    assert {(type(key), type(leaf)) for key, leaf in items} == {(ct.c_ulong, ct.c_long)}
    assert sorted((key.value, leaf.value) for key, leaf in items) == [(n, -n) for n in range(40)]
    items[0][1].value = 99
    assert sum(leaf.value for leaf in table.values()) == -sum(range(40))
    assert sorted(leaf.value for _, leaf in table.items_lookup_batch()) == sorted(-n for n in range(40))
    # They go when the last reference does, and may be kept past the table's garbage.
    kept = items[1]
    del items, table
    gc.collect()
    assert kept[0].value == -kept[1].value


def test_a_walk_goes_on_behind_a_deleted_key_and_gives_none_twice(b):
    table = b["longs"]
    for number in range(40):
        table[ct.c_ulong(number)] = ct.c_long(number)
    walk = iter(table.keys())
    seen = [next(walk).value for _ in range(10)]
    del table[ct.c_ulong(seen[-1])]
    seen += [key.value for key in walk]
    assert sorted(seen) == list(range(40))


def test_scalars_of_all_widths_keep_their_values(b):
    b["shorts"][ct.c_ushort(65535)] = ct.c_char(b"x")
    [(key, leaf)] = b["shorts"].items()
    assert (type(key), key.value, leaf.value) == (ct.c_ushort, 65535, b"x")
    b["floats"][ct.c_uint(3)] = ct.c_double(0.25)
    [(key, leaf)] = b["floats"].items()
    assert (key.value, leaf.value) == (3, 0.25)


class Method:
    """Callbacks of several kinds, all of which keep what they are given."""

    def __init__(self):
        self.got = []

    def method(self, first, data, size):
        self.got.append((size, ct.string_at(data, size)[:8:8]))

    __call__ = method


@pytest.mark.parametrize("kind", ["perf", "ring"])
@pytest.mark.parametrize("make", [lambda m: m, lambda m: m.method, lambda m: lambda *a: m.method(*a)])
def test_callbacks_may_be_methods_and_objects_and_sizes_differ(b, kind, make):
    seen = Method()
    if kind == "perf":
        b["perf"].open_perf_buffer(make(seen))
    else:
        b["ring"].open_ring_buffer(make(seen))
    for _ in range(3):
        os.getpgid(0)
    (b.perf_buffer_consume if kind == "perf" else b.ring_buffer_consume)()
    # perf pads to a multiple of eight bytes, less four.
    sizes = [12, 20] if kind == "perf" else [8, 16]
    assert [size for size, _ in seen.got] == sizes * 3
    assert {first for _, first in seen.got} == {b"\1"}


def attachments():
    """Descriptors of this process that hold something attached."""
    with os.scandir("/proc/self/fd") as entries:
        paths = [entry.path for entry in entries]
    held = [os.readlink(path) for path in paths if os.path.lexists(path)]
    return [what for what in held if "perf_event" in what or "link" in what]


def test_programs_of_many_tracepoints_do_not_run_after_cleanup(b):
    hits = b["hits"]
    for call in ("getpgid", "getsid", "getpriority"):
        b.attach_tracepoint(tp=f"syscalls:sys_exit_{call}", fn_name="on_other")
    os.getpgid(0)
    assert hits[0].value == 1 and attachments()
    from bcc import _native

    _native.detach_links(list(b.tracepoint_fds.values()))
    os.getpgid(0)
    assert hits[0].value == 1
    # The rest of their descriptors goes a moment later.
    deadline = time.monotonic() + 60
    while attachments() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not attachments()
