"""USDT probes of a small program that is built here."""

import subprocess

import pytest
from bcc import BPF, USDT, USDTException

SOURCE = r"""
#include <stdio.h>
#include <sys/sdt.h>
int main(void) {
    char line[8];
    long big = 1L << 40;
    /* On the stack, hence in memory: programs cannot wait for a page. */
    char text[] = "text";
    while (fgets(line, sizeof(line), stdin)) {
        DTRACE_PROBE3(own, step, line[0], big, (char *)text);
    }
    return 0;
}
"""
TEXT = """
struct event_t { u32 first; u64 big; char text[8]; };
BPF_RINGBUF_OUTPUT(events, 8);
int on_step(struct pt_regs *ctx) {
    struct event_t e = {};
    char first = 0;
    bpf_usdt_readarg(1, ctx, &first);
    e.first = first;
    bpf_usdt_readarg(2, ctx, &e.big);
    bpf_usdt_readarg_p(3, ctx, &e.text, sizeof(e.text));
    events.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    directory = tmp_path_factory.mktemp("usdt")
    source = directory / "own.c"
    source.write_text(SOURCE)
    binary = directory / "own"
    subprocess.run(["gcc", "-O1", "-o", str(binary), str(source)], check=True)
    return str(binary)


@pytest.fixture
def process(program):
    child = subprocess.Popen([program], stdin=subprocess.PIPE, text=True)
    yield child
    child.kill()
    child.wait()
    child.stdin.close()


def test_probes_are_listed_with_their_arguments(program):
    (probe,) = USDT(path=program).enumerate_probes()
    assert (probe.provider, probe.name, probe.short_name()) == (b"own", b"step", "own:step")
    assert (probe.num_locations, probe.num_arguments) == (1, 3)
    assert probe.bin_path == program.encode()
    location = probe.get_location(0)
    sizes = [location.get_argument(n).size for n in range(3)]
    assert sizes[1:] == [8, 8] and location.address > 0
    assert "bytes" in str(location.get_argument(0))
    with pytest.raises(USDTException):
        location.get_argument(3)


def test_handlers_read_arguments(process):
    usdt = USDT(pid=process.pid)
    usdt.enable_probe("own:step", "on_step")
    assert usdt.get_probe_arg_ctype("step", 1) == "int64_t"
    assert len(usdt.enumerate_active_probes()) == 1
    got = []
    with BPF(text=TEXT, usdt_contexts=[usdt]) as b:
        table = b["events"]

        def callback(ctx, data, size):
            event = table.event(data)
            got.append((event.first, event.big, event.text))

        table.open_ring_buffer(callback)
        process.stdin.write("a\nb\n")
        process.stdin.flush()
        while len(got) < 2:
            b.ring_buffer_poll()
    assert got == [(ord("a"), 1 << 40, b"text"), (ord("b"), 1 << 40, b"text")]


# A semaphore keeps the probe off until somebody counts it up.
GUARDED = r"""
#include <stdio.h>
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
unsigned short own_step_semaphore __attribute__((section(".probes")));
int main(void) {
    char line[8];
    while (fgets(line, sizeof(line), stdin)) {
        if (own_step_semaphore) DTRACE_PROBE1(own, step, line[0]);
        printf("%d\n", own_step_semaphore);
        fflush(stdout);
    }
    return 0;
}
"""


def test_a_guarded_probe_is_on_for_who_attaches_to_its_place_beside_others(tmp_path):
    (tmp_path / "guarded.c").write_text(GUARDED)
    subprocess.run(["gcc", "-O1", "-o", "guarded", "guarded.c"], cwd=tmp_path, check=True)
    pipe = subprocess.PIPE
    with subprocess.Popen([tmp_path / "guarded"], stdin=pipe, stdout=pipe, text=True) as child:

        def semaphore():
            child.stdin.write("x\n")
            child.stdin.flush()
            return int(child.stdout.readline())

        # It answers, so its file is mapped.
        assert semaphore() == 0
        usdt = USDT(pid=child.pid)
        usdt.enable_probe("step", "f")
        ((path, function, address, _),) = usdt.enumerate_active_probes()
        text = b"BPF_ARRAY(hits, u64, 1); int f(void *ctx) { hits.atomic_increment(0); return 0; }"
        with BPF(text=text) as by_place:
            by_place.attach_uprobe(name=path, fn_name=function, addr=address)
            assert semaphore() == 1
            with BPF(text=text, usdt_contexts=[usdt]) as by_name:
                # The kernel counts the place, not those who attached there.
                assert semaphore() == 1
                assert (by_place[b"hits"][0].value, by_name[b"hits"][0].value) == (2, 1)
        assert semaphore() == 0
        child.stdin.close()


def test_unknown_probes_and_missing_targets(program, capfd):
    with pytest.raises(USDTException, match="Failed to enable USDT probe 'no_such'"):
        USDT(path=program).enable_probe("no_such", "f")
    with pytest.raises(SystemExit):
        USDT(path=program).enable_probe_or_bail("no_such", "f")
    with pytest.raises(USDTException, match="either a pid or a binary path must be specified"):
        USDT()
    with pytest.raises(USDTException, match="USDT failed to instrument path /no/such"):
        USDT(path="/no/such")
    assert "HINT: Specified binary does not exist." in capfd.readouterr().err
