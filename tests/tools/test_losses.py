"""Events that find no room are told on stderr, and shown and lost ones are all there were."""

import os
import re
import signal

CALLS = 3001


def losses_of(tool):
    losses = [re.fullmatch(r"Possibly lost (\d+) samples", line) for line in tool.errors]
    assert losses and all(losses), tool.report()
    return sum(int(loss[1]) for loss in losses)


def test_lost_events_of_a_perf_buffer_are_counted(start, in_order):
    me = os.getpid()
    tool = start("tools/trace.py", "-b", "1", "-p", str(me), 'c:getpgid "of %d", arg1')
    tool.ready()
    tool.process.send_signal(signal.SIGSTOP)
    for _ in range(CALLS):
        os.getpgid(me)
    tool.process.send_signal(signal.SIGCONT)
    tool.wait_for(lambda line: line.endswith(f" of {me}"))
    # The kernel tells of a loss with the next event that finds room.
    os.getpgid(0)
    tool.wait_for(lambda line: line.endswith(" of 0"))
    assert tool.interrupt() == 1
    rows = [line for line in tool.lines[1:] if line]
    assert 1 < len(rows) < CALLS and len(rows) + losses_of(tool) == CALLS + 1, tool.report()


def test_lost_events_of_a_ring_buffer_are_counted(start, tmp_path, in_order):
    telling, last = tmp_path / "telling", tmp_path / "last"
    telling.touch(), last.touch()
    tool = start("tools/opensnoop.py", "-b", "1", "-p", str(os.getpid()))
    tool.ready()
    tool.process.send_signal(signal.SIGSTOP)
    for _ in range(CALLS):
        os.close(os.open(telling, os.O_RDONLY))
    tool.process.send_signal(signal.SIGCONT)
    tool.wait_for(lambda line: line.endswith("/telling"))
    os.close(os.open(last, os.O_RDONLY))
    tool.wait_for(lambda line: line.endswith("/last"))
    assert tool.interrupt() == 0
    rows = [line for line in tool.lines if line.endswith("/telling")]
    assert 0 < len(rows) < CALLS and len(rows) + losses_of(tool) == CALLS, tool.report()
