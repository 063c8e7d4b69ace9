"""tcpconnect sees connections over the loopback device, answered, refused and not waited for."""

import errno
import os
import socket
import subprocess
import sys
import time

import pytest
from conftest import column
from sessions import Server

SCRIPT = "tools/tcpconnect.py"
PRIME = 7
START = "Tracing connect ... Hit Ctrl-C to end"
HEADER = "PID     COMM         IP SADDR            DADDR            DPORT "
WITH_LPORT = "PID     COMM         IP SADDR            LPORT  DADDR            DPORT "


def connect(server):
    """A connection that is answered; gives its local port."""
    with socket.socket(server.socket.family) as client:
        client.connect(server.socket.getsockname())
        server.socket.accept()[0].close()
        return client.getsockname()[1]


def header_of(tool):
    tool.ready()
    assert tool.lines[0] == START
    return tool.wait_for(lambda line: line.endswith("DPORT ") or "QUERY" in line)


def test_each_connection_is_a_row(start, server):
    six = server.socket.family == socket.AF_INET6
    tool = start(SCRIPT, "-6" if six else "-4", "-p", str(os.getpid()), "-P", str(server.port))
    header = header_of(tool)
    assert header == HEADER
    for _ in range(PRIME):
        connect(server)
    tool.wait_for(lambda _: len(tool.lines) >= PRIME + 2)
    assert tool.interrupt() == 0, tool.report()
    assert len(tool.lines) == PRIME + 2 and tool.errors == [], tool.report()
    address = "::1" if six else "127.0.0.1"
    with open("/proc/self/comm") as comm:
        name = comm.read().strip()[:12]
    for row in tool.lines[2:]:
        assert column(header, row, "PID") == str(os.getpid())
        assert column(header, row, "COMM") == name
        assert column(header, row, "IP") == ("6" if six else "4")
        assert column(header, row, "SADDR") == column(header, row, "DADDR") == address
        assert column(header, row, "DPORT") == str(server.port)
        assert row.endswith(" ")


def test_columns_of_time_user_and_local_port(start):
    listener = Server(socket.AF_INET)
    tool = start(SCRIPT, "-t", "-U", "-L", "-P", str(listener.port), "-u", str(os.getuid()))
    header = header_of(tool)
    assert header == f"{'TIME(s)':<9}{'UID':<6}{WITH_LPORT}"
    ports = [connect(listener) for _ in range(PRIME - 1)]
    tool.wait_for(lambda _: len(tool.lines) >= PRIME + 1)
    pause = 0.05
    time.sleep(pause)
    ports.append(connect(listener))
    tool.wait_for(lambda _: len(tool.lines) >= PRIME + 2)
    assert tool.interrupt() == 0, tool.report()
    rows = tool.lines[2:]
    assert [int(column(header, row, "LPORT")) for row in rows] == ports, tool.report()
    assert {column(header, row, "UID") for row in rows} == {str(os.getuid())}
    times = [float(column(header, row, "TIME(s)")) for row in rows]
    assert times[0] == 0 and times == sorted(times)
    assert times[-1] - times[-2] >= pause - 0.001, tool.report()


@pytest.mark.parametrize("options", [[], ["-L"]], ids=["plain", "lport"])
def test_refused_and_unwaited_connections_are_rows(start, options):
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # never listens
    port = closed.getsockname()[1]
    tool = start(SCRIPT, *options, "-P", str(port))
    header = header_of(tool)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
    with socket.socket() as client:
        client.setblocking(False)
        assert client.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS
    # An IPv4 connection of an IPv6 socket is one of IPv4.
    with socket.socket(socket.AF_INET6) as client:
        assert client.connect_ex(("::ffff:127.0.0.1", port)) == errno.ECONNREFUSED
    tool.wait_for(lambda _: len(tool.lines) >= 5)
    assert tool.interrupt() == 0, tool.report()
    assert len(tool.lines) == 5, tool.report()
    for row in tool.lines[2:]:
        assert column(header, row, "IP") == "4"
        assert column(header, row, "SADDR") == column(header, row, "DADDR") == "127.0.0.1"
        assert not options or int(column(header, row, "LPORT")) > 0


def test_other_processes_and_families_are_left_out(start):
    listener = Server(socket.AF_INET)
    other = start(SCRIPT, "-p", "1", "-P", str(listener.port))
    six = start(SCRIPT, "-6", "-P", str(listener.port))
    seen = start(SCRIPT, "-P", str(listener.port))
    for tool in (other, six, seen):
        header_of(tool)
    for _ in range(PRIME):
        connect(listener)
    seen.wait_for(lambda _: len(seen.lines) >= PRIME + 2)
    for tool in (other, six):
        assert tool.interrupt() == 0
        assert len(tool.lines) == 2, tool.report()


def test_counts_are_per_flow(start, server):
    second = Server(server.socket.family)
    ports = f"{server.port},{second.port}"
    tool = start(SCRIPT, "-c", "-P", ports, "-p", str(os.getpid()))
    assert tool.ready() == START
    for _ in range(PRIME):
        connect(second)
    for _ in range(PRIME + 4):
        connect(server)
    assert tool.interrupt() == 0, tool.report()
    header = tool.lines[2]
    assert header.split() == ["LADDR", "RADDR", "RPORT", "CONNECTS"] and len(header) == 83
    counts = [(column(header, r, "RPORT"), column(header, r, "CONNECTS")) for r in tool.lines[3:]]
    assert counts == [(str(server.port), str(PRIME + 4)), (str(second.port), str(PRIME))]
    address = "127.0.0.1" if server.socket.family == socket.AF_INET else "::1"
    assert {column(header, row, "RADDR") for row in tool.lines[3:]} == {address}


def test_json_is_one_typed_object_a_line(start):
    listener = Server(socket.AF_INET)
    tool = start(SCRIPT, "--json", "-L", "-P", str(listener.port))
    tool.knock(lambda: connect(listener))
    port = connect(listener)
    tool.wait_for(lambda line: f'"lport": {port}' in line)
    assert tool.interrupt() == 0
    (record,) = [r for r in tool.json() if r["lport"] == port]
    assert record["pid"] == os.getpid() and record["ip"] == 4
    assert (record["daddr"], record["dport"]) == ("127.0.0.1", listener.port)
    assert isinstance(record["time"], float) and record["uid"] == os.getuid()


def answer(name, address):
    """A name server's packet: one question and its A record."""
    labels = b"".join(bytes([len(w)]) + w.encode() for w in name.split(".")) + b"\0"
    question = labels + b"\0\1\0\1"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
    return b"\x12\x34\x81\x80\0\1\0\1\0\0\0\0" + question + record


def test_query_names_what_was_looked_up(start):
    if subprocess.run([sys.executable, "-c", "import dnslib, cachetools"], check=False).returncode:
        tool = start(SCRIPT, "-d")
        assert tool.finish() == 1
        assert len(tool.errors) == 5 and "dnslib and cachetools" in tool.errors[0]
        return
    listener = Server(socket.AF_INET)
    tool = start(SCRIPT, "-d", "-P", str(listener.port))
    header = header_of(tool)
    assert header == f"{HEADER} QUERY"
    connect(listener)
    tool.wait_for(lambda line: line.rstrip().endswith(" localhost"))
    with socket.socket(type=socket.SOCK_DGRAM) as dns, socket.socket(type=socket.SOCK_DGRAM) as us:
        dns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        dns.bind(("127.0.0.77", 53))
        us.bind(("127.0.0.1", 0))
        dns.sendto(answer("telling.example", "127.0.0.1"), us.getsockname())
        us.recv(512)
    connect(listener)
    row = tool.wait_for(lambda line: "telling.example" in line)
    assert row[header.index("QUERY") :].split()[0] == "telling.example"
    assert tool.interrupt() == 0


def test_mistakes_are_one_line(start):
    both = start(SCRIPT, "-c", "-d")
    assert both.finish() == 1
    assert both.errors == ["Error: you may not specify -d/--dns with -c/--count."]
    port = start(SCRIPT, "-P", "http")
    assert port.finish() == 2
    assert port.errors[-1].endswith("'http' is not a list of ports")
