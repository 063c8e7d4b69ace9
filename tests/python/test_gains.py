"""`gains()`: what a table of counts gained from one look to the next, with nothing lost."""

import ctypes as ct
import subprocess

import pytest
from bcc import BPF

STRUCTS = """
struct sums { u64 calls; char name[8]; u32 bytes; };
BPF_HASH(sums, u32, struct sums, 8);
BPF_HASH(counts, u32, u64, 8);
BPF_HISTOGRAM(dist);
struct text { char name[8]; };
BPF_HASH(texts, u32, struct text);
"""


def pairs(view):
    return sorted((key.value, gain.value) for key, gain in view.items())


def test_what_was_added_since_the_last_look(no_leak):
    with BPF(text=STRUCTS) as b:
        counts = b["counts"]
        counts[ct.c_uint32(1)] = ct.c_uint64(5)
        view = counts.gains()
        assert pairs(view) == [(1, 5)]
        assert pairs(view) == []
        counts[ct.c_uint32(1)] = ct.c_uint64(12)
        counts[ct.c_uint32(2)] = ct.c_uint64(1)
        counts[ct.c_uint32(3)] = ct.c_uint64(0)
        assert pairs(view) == [(1, 7), (2, 1)]
        # Each view has its own last look.
        assert pairs(counts.gains()) == [(1, 12), (2, 1)]
        counts.clear()
        counts[ct.c_uint32(1)] = ct.c_uint64(3)
        assert pairs(view) == [(1, 3)]


def test_members_that_are_numbers_are_gained_and_others_shown(no_leak):
    with BPF(text=STRUCTS) as b:
        sums, view = b["sums"], b["sums"].gains()

        def put(calls, count):
            sums[ct.c_uint32(7)] = sums.Leaf(calls, b"name", count)

        def look():
            return [(gain.calls, gain.name, gain.bytes) for _, gain in view.items()]

        put(2, 100)
        assert look() == [(2, b"name", 100)]
        put(5, 100)
        assert look() == [(3, b"name", 0)]
        # Less than before: another one cleared it.
        put(4, 200)
        assert look() == [(4, b"name", 200)]
        with pytest.raises(TypeError, match="holds no number"):
            b["texts"].gains()


def test_idle_keys_make_room_once_the_table_is_half_full(no_leak):
    with BPF(text=STRUCTS) as b:
        counts, view = b["counts"], b["counts"].gains()
        for key in range(4):
            counts[ct.c_uint32(key)] = ct.c_uint64(1)
        view.items()
        view.items()
        assert len(counts) == 4
        counts[ct.c_uint32(4)] = ct.c_uint64(1)
        assert pairs(view) == [(4, 1)]
        assert [key.value for key in counts] == [4]
        counts[ct.c_uint32(0)] = ct.c_uint64(9)
        assert pairs(view) == [(0, 9)]


def test_a_histogram_of_gains(no_leak, capsys):
    with BPF(text=STRUCTS) as b:
        dist, view = b["dist"], b["dist"].gains()
        dist[2] = ct.c_uint64(10)
        view.print_log2_hist("bytes")
        dist[2] = ct.c_uint64(13)
        view.print_log2_hist("bytes")
        view.print_log2_hist("bytes")
    rows = [line for line in capsys.readouterr().out.splitlines() if "2 -> 3" in line]
    assert [int(row.split(":")[1].split()[0]) for row in rows] == [10, 3]


BUSY = """
#include <stdint.h>
__attribute__((noinline)) void busy_hit(void) { __asm__ volatile(""); }
int main(void) { for (int i = 0; i < 400009; i++) busy_hit(); return 0; }
"""


def test_nothing_is_lost_while_the_program_counts(no_leak, tmp_path):
    (tmp_path / "busy.c").write_text(BUSY)
    program = str(tmp_path / "busy")
    subprocess.run(["cc", "-O1", "-o", program, tmp_path / "busy.c"], check=True)
    text = """
    BPF_HASH(counts, u32, u64);
    int f(void *ctx) { u32 key = 1; counts.atomic_increment(key); return 0; }
    """
    with BPF(text=text) as b:
        b.attach_uprobe(name=program, sym="busy_hit", fn_name="f")
        view, total, looks = b["counts"].gains(), 0, 0
        with subprocess.Popen([program]) as running:
            while running.poll() is None:
                gained = pairs(view)
                total += sum(gain for _, gain in gained)
                looks += bool(gained)
        total += sum(gain for _, gain in pairs(view))
    assert looks > 10
    assert total == 400009
