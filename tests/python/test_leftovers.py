"""What stays of processes that end in every way: nothing, in each test's own words and `no_leak`'s."""

import os
import signal
import subprocess
import sys

import leftovers
import pytest
from bcc import BPF

TEXT = b"""
BPF_RINGBUF_OUTPUT(ring, 8);
BPF_PERF_OUTPUT(perf);
BPF_ARRAY(hits, u64, 1);
static inline void send(void *ctx) {
    u64 one = 1;
    if (bpf_get_current_pid_tgid() >> 32 != PID) return;
    hits.atomic_increment(0);
    ring.ringbuf_output(&one, sizeof(one), 0);
    perf.perf_submit(ctx, &one, sizeof(one));
}
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { send(args); return 0; }
int on_call(struct pt_regs *ctx) { send(ctx); return 0; }
int on_raw(struct bpf_raw_tracepoint_args *ctx) { return 0; }
"""

# Everything that a process can hold, and then it waits to be killed.
VICTIM = r"""
import os, sys
from bcc import BPF
b = BPF(text=sys.argv[1].encode(), cflags=[b"-DPID=%d" % os.getpid()])
b.attach_uprobe(name=b"c", sym=b"getppid", fn_name=b"on_call")
b.attach_raw_tracepoint(b"sched_process_exec", b"on_raw")
if os.path.exists("/sys/bus/event_source/devices/kprobe"):
    b.attach_kretprobe(event=b.get_syscall_fnname(b"getpgid"), fn_name=b"on_call", maxactive=7)
b[b"perf"].open_perf_buffer(print)
b[b"ring"].open_ring_buffer(print)
b.trace_open(nonblocking=True)
print("ready", flush=True)
sys.stdin.read()
"""


def of_process(pid):
    """Names in tracefs that bear a process id."""
    roots = [leftovers.TRACEFS / file for file in ("kprobe_events", "uprobe_events")]
    lines = [line for path in roots if path.exists() for line in path.read_text().splitlines()]
    lines += os.listdir(leftovers.TRACEFS / "instances")
    return [line for line in lines if f"bcc_{pid}" in line]


def test_a_killed_process_leaves_names_only_and_the_next_start_removes_them(run_python):
    child = subprocess.Popen(
        [sys.executable, "-c", VICTIM, TEXT.decode()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout.readline() == b"ready\n"
        assert of_process(child.pid), "the instance of its trace_pipe, at least"
        child.kill()
    assert child.returncode == -signal.SIGKILL
    done = run_python("from bcc import BPF; BPF(text=b'BPF_HASH(t);').trace_open(nonblocking=True)")
    assert (done.returncode, done.stderr) == (0, "")
    assert of_process(child.pid) == []


def test_an_exception_in_a_callback_leaves_nothing():
    def callback(*_):
        raise ValueError("from the callback")

    with (
        pytest.raises(ValueError, match="from the callback"),
        BPF(text=TEXT, cflags=[b"-DPID=%d" % os.getpid()]) as b,
    ):
        b[b"perf"].open_perf_buffer(callback)
        b[b"ring"].open_ring_buffer(callback)
        os.getpgid(0)
        with pytest.raises(ValueError, match="from the callback"):
            b.ring_buffer_poll()
        b.perf_buffer_poll()


def test_forked_children_leave_nothing_and_take_nothing():
    with BPF(text=TEXT, cflags=[b"-DPID=%d" % os.getpid()]) as b:
        b[b"ring"].open_ring_buffer(lambda *_: None)
        for ending in (lambda: os._exit(0), lambda: sys.exit(0), lambda: os.kill(os.getpid(), 9)):
            child = os.fork()
            if child == 0:
                try:
                    own = BPF(text=TEXT, cflags=[b"-DPID=%d" % os.getpid()])
                    own[b"ring"].open_ring_buffer(lambda *_: None)
                    os.getpgid(0)
                    assert own[b"hits"][0].value == 1
                    ending()
                finally:
                    os._exit(0 if isinstance(sys.exc_info()[1], SystemExit) else 1)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert status in (0, -signal.SIGKILL)
        os.getpgid(0)
        assert b[b"hits"][0].value == 1


# Attached, then interrupted twice while it cleans up: the second time in the middle.
INTERRUPTED = r"""
import os, signal, sys
from bcc import BPF
b = BPF(text=b"int f(void *ctx) { return 0; }")
b.attach_uprobe(name=b"c", sym=b"getppid", fn_name=b"f")
detach, ended = b._detach_all, []
def slowly():
    os.kill(os.getpid(), signal.SIGINT)
    detach()
    os.kill(os.getpid(), signal.SIGINT)
    print("detached", b.num_open_uprobes())
b._detach_all = slowly
END
"""


def test_ctrl_c_during_the_cleanup_at_exit_waits_for_its_end(run_python):
    done = run_python(INTERRUPTED.replace("END", "print('end')"))
    assert (done.stdout, done.stderr) == ("end\ndetached 0\n", "")
    assert done.returncode == -signal.SIGINT


def test_ctrl_c_during_cleanup_is_an_exception_behind_it(run_python):
    end = "try: b.cleanup()\nexcept KeyboardInterrupt: print('interrupted', b.module)"
    done = run_python(INTERRUPTED.replace("END", end))
    assert (done.stdout, done.stderr) == ("detached 0\ninterrupted None\n", "")
    assert done.returncode == 0
