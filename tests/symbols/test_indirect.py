"""Probes by name on functions that are chosen when a program is linked (IFUNC)."""

import ctypes as ct

import pytest
from bcc import BPF

TEXT = """
BPF_ARRAY(counts, u64, 2);
BPF_ARRAY(text_at, u64, 1);
int on_chosen(struct pt_regs *ctx) {
    counts.increment(0);
    return 0;
}
int on_strlen(struct pt_regs *ctx) {
    int zero = 0;
    u64 *text = text_at.lookup(&zero);
    if (text && PT_REGS_PARM1(ctx) == *text) counts.increment(1);
    return 0;
}
"""


@pytest.fixture
def target(build, start, tmp_path):
    library = build("indirect_library.c", "-shared", "-fPIC", output="libchosen.so")
    binary = build("indirect.c", library, "-Wl,-rpath," + str(tmp_path))
    target = start(binary, 3)
    target.library = library.encode()
    return target


def call(target, times):
    """Lets it call both functions; returns how often it says `chosen` ran so far."""
    target.say(str(times))
    return target.read(2)["calls"]


def counted(b):
    return [b["counts"][ct.c_int(index)].value for index in range(2)]


def test_calls_are_counted_where_they_arrive(target):
    before = call(target, 1)
    with BPF(text=TEXT) as b:
        b["text_at"][ct.c_int(0)] = ct.c_uint64(target.addresses["text"])
        b.attach_uprobe(name=target.library, sym=b"chosen", fn_name=b"on_chosen", pid=target.pid)
        b.attach_uprobe(name=b"c", sym=b"strlen", fn_name=b"on_strlen", pid=target.pid)
        after = call(target, 23)
        assert counted(b) == [after - before, 23]
    assert after - before == 23


def test_a_pattern_reaches_the_implementation_once(target):
    before = call(target, 1)
    with BPF(text=TEXT) as b:
        # The names of the function and of its implementation lead to one place.
        b.attach_uprobe(
            name=target.library, sym_re=b"chosen$|second_choice$", fn_name=b"on_chosen", pid=target.pid
        )
        after = call(target, 11)
        assert counted(b)[0] == after - before == 11


def test_returns_are_seen_too(target):
    before = call(target, 1)
    with BPF(text=TEXT) as b:
        b.attach_uretprobe(name=target.library, sym=b"chosen", fn_name=b"on_chosen", pid=target.pid)
        assert call(target, 5) - before == counted(b)[0] == 5


def test_what_no_process_chose_is_an_error(build):
    library = build("indirect_library.c", "-shared", "-fPIC", output="libunused.so")
    with BPF(text=TEXT) as b, pytest.raises(Exception, match="IFUNC"):
        b.attach_uprobe(name=library.encode(), sym=b"chosen", fn_name=b"on_chosen")


def test_vector_instructions_at_the_start_are_left_alone(build, start):
    with open("/proc/cpuinfo") as cpuinfo:
        if " avx " not in cpuinfo.read():
            pytest.skip("the processor has no AVX")
    target = start(build("vector.c"), 1)

    def returned():
        target.say("")
        return target.read(1)["returned"]

    with BPF(text=TEXT) as b:
        place = {"name": b"/proc/%d/exe" % target.pid, "fn_name": b"on_chosen", "pid": target.pid}
        b.attach_uprobe(sym=b"vector_first", **place)
        assert [returned(), returned()] == [42, 42]
        assert counted(b)[0] == 2
        b.attach_uretprobe(sym=b"vector_first", **place)
        assert returned() == 42 and counted(b)[0] == 4
