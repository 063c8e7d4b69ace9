"""Events that find no room are told on stderr, and shown and lost ones are all there were."""

import os
import re
import signal

CALLS = 3001


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
    losses = [re.fullmatch(r"Possibly lost (\d+) samples", line) for line in tool.errors]
    assert losses and all(losses), tool.report()
    rows = [line for line in tool.lines[1:] if line]
    assert len(rows) + sum(int(loss[1]) for loss in losses) == CALLS + 1
