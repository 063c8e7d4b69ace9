"""tcptop's kilobytes are those that a session over the loopback device carried."""

import os
import re
import socket
import subprocess
import sys

import pytest
from conftest import TOP, column, on_terminal, without
from sessions import ANSWERED, SENT, Server

SCRIPT = "tools/tcptop.py"
PRIME = 3
# The host's kernel has it since v6.3; older ones trace functions, which only guests do.
TRACEPOINT = "/sys/kernel/tracing/events/sock/sock_send_length"
pytestmark = pytest.mark.skipif(
    "BCC_TEST_KERNEL" not in os.environ and not os.path.exists(TRACEPOINT),
    reason="this kernel has no tracepoint for it",
)


def tables(lines):
    """Header -> rows, of all that was printed."""
    found, header = {}, None
    for line in lines:
        if line.startswith("PID "):
            header = line
        elif not line:
            header = None
        elif header:
            found.setdefault(header, []).append(line)
    return found


def carried(header, row):
    """Kilobytes received and sent: right-justified numbers under RX_KB and TX_KB."""
    at = header.index("RX_KB") - 1
    return int(row[at : at + 6]), int(row[at + 7 : at + 13])


@pytest.mark.parametrize("ends", ["ctrl-c", "count"])
def test_both_ends_of_a_session_are_rows(start, server, ends):
    six = server.socket.family == socket.AF_INET6
    words = ["9999"] if ends == "ctrl-c" else ["2", "2"]
    tool = start(SCRIPT, "-C", "-6" if six else "-4", "-p", str(os.getpid()), *words)
    assert tool.ready() == f"Tracing... Output every {words[0]} secs. Hit Ctrl-C to end"
    ports = [server.session() for _ in range(PRIME)]
    status = tool.interrupt() if ends == "ctrl-c" else tool.finish()
    assert status == 0 and tool.errors == [], tool.report()
    ((header, rows),) = tables(tool.lines).items()
    address = "::1" if six else "127.0.0.1"
    width, suffix = (32, "6") if six else (21, "")
    assert header == (
        f"{'PID':<7} {'COMM':<12} {'LADDR' + suffix:<{width}} {'RADDR' + suffix:<{width}} "
        " RX_KB  TX_KB"
    )
    assert len(rows) == 2 * PRIME, tool.report()
    for row in rows:
        assert column(header, row, "PID") == str(os.getpid())
        local, remote = column(header, row, "LADDR"), column(header, row, "RADDR")
        client = remote == f"{address}:{server.port}"
        assert client or local == f"{address}:{server.port}", row
        assert int((local if client else remote).rsplit(":", 1)[1]) in ports
        down, up = (ANSWERED, SENT) if client else (SENT, ANSWERED)
        assert carried(header, row) == (down // 1024, up // 1024), row


@pytest.mark.parametrize("lacking", ["fentry", "tracepoint"])
def test_without_a_hook_the_next_one_counts_the_same(start, in_guest, lacking):
    hooks = "sock:sock_send_length" + (",fentry" if lacking == "fentry" else "")
    words = ["-C", "-S", "-p", str(os.getpid()), "9999"]
    tool = start(*without(hooks, SCRIPT), *words)
    tool.ready()
    listener = Server(socket.AF_INET)
    port = listener.session()
    assert tool.interrupt() == 0 and tool.errors == [], tool.report()
    ((header, rows),) = tables(tool.lines).items()
    ours = [row for row in rows if f":{port} " in row]
    assert sorted(carried(header, row) for row in ours) == [
        (ANSWERED // 1024, SENT // 1024), (SENT // 1024, ANSWERED // 1024),
    ], tool.report()  # fmt: skip


def test_summary_can_be_left_out(start):
    with_it, without = start(SCRIPT, "-p", "1", "1", "1"), start(SCRIPT, "-p", "1", "-S", "1", "1")
    assert with_it.finish() == without.finish() == 0
    assert without.lines == ["Tracing... Output every 1 secs. Hit Ctrl-C to end", ""]
    # On a pipe an empty line stands for the cleared screen.
    assert with_it.lines[1] == "" and with_it.lines[3] == ""
    assert re.match(r"\d\d:\d\d:\d\d loadavg: [\d.]+ [\d.]+ [\d.]+ \d+/\d+ \d+$", with_it.lines[2])


def test_a_terminal_is_cleared_and_a_pipe_is_not():
    words = ["-p", "1", "1", "2"]
    assert on_terminal(SCRIPT, *words).count(b"\x1b[H\x1b[2J") == 2
    assert b"\x1b" not in on_terminal(SCRIPT, "-C", *words)
    done = subprocess.run([sys.executable, str(TOP / SCRIPT), *words], capture_output=True)
    assert done.returncode == 0 and b"\x1b" not in done.stdout


def test_the_most_comes_first_and_json_is_typed(start):
    listener = Server(socket.AF_INET)
    tool = start(SCRIPT, "--json", "-p", str(os.getpid()), "1")
    tool.knock(listener.session)
    port = listener.session()
    tool.wait_for(lambda line: f":{port}" in line or f": {port}" in line)
    assert tool.interrupt() == 0, tool.report()
    ours = [r for r in tool.json() if port in (r["lport"], r["rport"])]
    assert sum(r["rx_bytes"] for r in ours) == sum(r["tx_bytes"] for r in ours) == SENT + ANSWERED
    assert {r["ip"] for r in ours} == {4} and {r["pid"] for r in ours} == {os.getpid()}
    assert {r["laddr"] for r in ours} == {"127.0.0.1"}


def test_mistakes_are_one_line(start):
    tool = start(SCRIPT, "0")
    assert tool.finish() == 2
    assert tool.errors[-1].endswith(
        "argument interval: value must be stricly positive, got 0"
    )
