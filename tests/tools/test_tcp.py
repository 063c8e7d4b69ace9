"""tcplife and tcpstates see sessions over the loopback device, with the bytes they carried."""

import os
import socket

import pytest
from conftest import column
from sessions import ANSWERED, SENT, Server

PRIME = 5


def test_tcplife_has_a_row_for_each_side(start, in_order, server):
    family = "-4" if server.socket.family == socket.AF_INET else "-6"
    ours = start("tools/tcplife.py", family, "-w", "-D", str(server.port))
    theirs = start("tools/tcplife.py", family, "-s", "-T", "-t", "-L", str(server.port))
    header = ours.ready()
    assert theirs.ready() == (
        "TIME,TIME(s),PID,COMM,IP,LADDR,LPORT,RADDR,RPORT,TX_KB,RX_KB,MS"
    )
    ports = [server.session() for _ in range(PRIME)]
    for tool in (ours, theirs):
        tool.wait_for(lambda _, tool=tool: len(tool.lines) > PRIME)
        assert tool.interrupt() == 0, tool.report()
        assert len(tool.lines) == PRIME + 1, tool.report()
    for port, row in zip(ports, ours.lines[1:], strict=True):
        assert column(header, row, "PID") == str(os.getpid())
        assert column(header, row, "LPORT") == str(port)
        assert column(header, row, "RPORT") == str(server.port)
        assert column(header, row, "IP") == family[1]
        assert row.split()[-3:-1] == [str(SENT // 1024), str(ANSWERED // 1024)]
        assert float(row.split()[-1]) > 0
    for port, row in zip(ports, theirs.lines[1:], strict=True):
        fields = row.split(",")
        assert (fields[6], fields[8]) == (str(server.port), str(port))
        assert fields[9:11] == [str(ANSWERED // 1024), str(SENT // 1024)]


def test_tcpstates_has_the_way_of_a_session(start, server):
    tool = start("tools/tcpstates.py", "-D", str(server.port))
    header = tool.ready()
    port = server.session()
    tool.wait_for(lambda line: "-> CLOSE " in line)
    assert tool.interrupt() == 0, tool.report()
    if server.socket.family == socket.AF_INET:
        assert header == (
            "SKADDR           C-PID C-COMM     LADDR           LPORT RADDR           RPORT "
            "OLDSTATE    -> NEWSTATE    MS"
        )
    rows = tool.lines[1:]
    states = [row.split("->")[0].split()[-1] for row in rows]
    assert states == ["CLOSE", "SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2"], tool.report()
    assert len({row.split()[0] for row in rows}) == 1
    assert column(header, rows[0], "C-PID") == str(os.getpid())
    assert rows[0].split()[-1] == "0.000"
    assert any(f" {port} " in row for row in rows)


def test_json_is_one_typed_object_a_line(start):
    listener = Server(socket.AF_INET)
    life = start("tools/tcplife.py", "--json", "-D", str(listener.port))
    states = start("tools/tcpstates.py", "--json", "-L", str(listener.port))
    for tool in (life, states):
        tool.knock(listener.session)
    port = listener.session()
    life.wait_for(lambda line: f'"lport": {port},' in line)
    assert life.interrupt() == 0 and states.interrupt() == 0
    (record,) = [r for r in life.json() if r["lport"] == port]
    # The kernel counts the SYN and the FIN as a byte each.
    assert 0 <= record["tx_bytes"] - SENT <= 2 and 0 <= record["rx_bytes"] - ANSWERED <= 2
    assert record["ip"] == 4
    assert {"oldstate", "newstate", "ms", "skaddr"} <= set(states.json()[0])


@pytest.mark.parametrize("name", ["tcplife", "tcpstates"])
def test_a_bad_port_is_one_line(start, name):
    tool = start(f"tools/{name}.py", "-L", "80,http")
    assert tool.finish() == 2
    assert tool.errors[-1].endswith("'80,http' is not a list of ports")
