"""What is attached to a network namespace, a cgroup or sockets, each of the tests' own."""

import ctypes as ct
import os
import socket
import subprocess
import threading

import pytest
from bcc import BPF, BPFAttachType, BPFProgType, lib

PACKETS = b"""BPF_ARRAY(hits, u64, 2);
static inline int hit(int result) { hits.increment(0); return result; }
"""
SK_LOOKUP, SK_REUSEPORT, FLOW_DISSECTOR, NETFILTER = 30, 21, 22, 32
SO_ATTACH_REUSEPORT_EBPF = 52


def in_own_network(work):
    """Runs `work` in a new network namespace with the loopback device up."""
    failed = []

    def inside():
        try:
            assert ct.CDLL(None, use_errno=True).unshare(0x40000000) == 0
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def send(count):
    """So many datagrams to ourselves."""
    with socket.socket(type=socket.SOCK_DGRAM) as to, socket.socket(type=socket.SOCK_DGRAM) as sender:
        to.bind(("127.0.0.1", 0))
        for _ in range(count):
            sender.sendto(b"hello", to.getsockname())
            assert to.recv(8) == b"hello"


def test_netfilter(needs, row):
    needs("netfilter")
    with BPF(text=PACKETS + b"int f(struct bpf_nf_ctx *ctx) { return hit(1); }") as b:
        f = b.load_func(b"f", NETFILTER, attach_type=45)

        def work():
            link = f.attach_netfilter("local_in", "ipv4", priority=-5)
            send(4)
            assert b[b"hits"][0].value == 4
            link.detach()
            send(1)
            assert b[b"hits"][0].value == 4
            row("Function.attach_netfilter (own)", "4 packets")

        in_own_network(work)


def test_sk_lookup(row):
    text = PACKETS + b"int f(struct bpf_sk_lookup *ctx) { return hit(SK_PASS); }"
    with BPF(text=text) as b:
        f = b.load_func(b"f", SK_LOOKUP, attach_type=BPFAttachType.SK_LOOKUP)

        def work():
            namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            b.attach_func(f, namespace, BPFAttachType.SK_LOOKUP)
            send(3)
            assert b[b"hits"][0].value == 3
            b.detach_func(f, namespace, BPFAttachType.SK_LOOKUP)
            send(1)
            assert b[b"hits"][0].value == 3
            os.close(namespace)

        in_own_network(work)
    row("BPF.attach_func sk_lookup", "3 packets")


def test_flow_dissector(row):
    text = PACKETS + b"int f(struct __sk_buff *skb) { return hit(BPF_OK); }"
    with BPF(text=text) as b:
        f = b.load_func(b"f", FLOW_DISSECTOR, attach_type=BPFAttachType.FLOW_DISSECTOR)

        def work():
            # It goes to the thread's namespace, whatever the descriptor: 0 says so.
            b.attach_func(f, 0, BPFAttachType.FLOW_DISSECTOR)
            with pytest.raises(Exception, match="Failed to attach"):
                b.attach_func(f, 0, BPFAttachType.XDP)
            b.detach_func(f, 0, BPFAttachType.FLOW_DISSECTOR)
            with pytest.raises(Exception, match="Failed to detach"):
                b.detach_func(f, 0, BPFAttachType.FLOW_DISSECTOR)

        in_own_network(work)
    row("BPF.attach_func flow_dissector", "attached, detached once")


def test_reuseport(row):
    """The program chooses which of two sockets of one port gets a datagram."""
    text = b"""BPF_TABLE("array", u32, u32, choice, 1);
    int f(struct sk_reuseport_md *ctx) { return SK_PASS; }"""
    with BPF(text=text) as b:
        f = b.load_func(b"f", SK_REUSEPORT)
        with socket.socket(type=socket.SOCK_DGRAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind(("127.0.0.1", 0))
            one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, f.fd)
            with socket.socket(type=socket.SOCK_DGRAM) as sender:
                sender.sendto(b"x", one.getsockname())
                assert one.recv(8) == b"x"
    row("sk_reuseport by setsockopt with fn.fd", "a datagram came through")


def test_messages_of_sockets_in_a_map(row):
    text = PACKETS + b"BPF_SOCKMAP(socks, 2); int f(struct sk_msg_md *msg) { return hit(SK_PASS); }"
    with BPF(text=text) as b, socket.create_server(("127.0.0.1", 0)) as listener:
        f = b.load_func(b"f", BPFProgType.SK_MSG, attach_type=BPFAttachType.SK_MSG_VERDICT)
        socks = lib.bpf_table_fd(b.module, b"socks")
        b.attach_func(f, socks, BPFAttachType.SK_MSG_VERDICT)
        with socket.create_connection(listener.getsockname()) as sender:
            receiver, _ = listener.accept()
            entry = ct.byref(ct.c_uint32(0)), ct.byref(ct.c_int(sender.fileno()))
            assert lib.bpf_update_elem(socks, *entry, 0) == 0
            for _ in range(3):
                sender.sendall(b"hello")
            got = b""
            while len(got) < 15:
                got += receiver.recv(64)
            receiver.close()
        assert b[b"hits"][0].value == 3
        b.detach_func(f, socks, BPFAttachType.SK_MSG_VERDICT)
    row("BPF.attach_func sk_msg", "3 messages")


def test_streams_of_sockets_in_a_map(row):
    text = PACKETS + b"BPF_SOCKMAP(socks, 2); int f(struct __sk_buff *skb) { return hit(SK_PASS); }"
    with BPF(text=text) as b, socket.create_server(("127.0.0.1", 0)) as listener:
        kind = BPFAttachType.SK_SKB_STREAM_VERDICT
        f = b.load_func(b"f", BPFProgType.SK_SKB, attach_type=kind)
        socks = lib.bpf_table_fd(b.module, b"socks")
        b.attach_func(f, socks, kind)
        with socket.create_connection(listener.getsockname()) as sender:
            receiver, _ = listener.accept()
            entry = ct.byref(ct.c_uint32(0)), ct.byref(ct.c_int(receiver.fileno()))
            assert lib.bpf_update_elem(socks, *entry, 0) == 0
            sender.sendall(b"hello")
            assert receiver.recv(64) == b"hello"
            receiver.close()
        assert b[b"hits"][0].value >= 1
        b.detach_func(f, socks, kind)
    row("BPF.attach_func sk_skb", "5 bytes passed the verdict")


@pytest.fixture
def cgroup(tmp_path):
    """The directory of a new cgroup; this process is in it until the end."""
    subprocess.run(["mount", "-t", "cgroup2", "none", tmp_path], check=True)
    group = tmp_path / f"bcc_hooks_{os.getpid()}"
    group.mkdir()
    own = next(line[3:].strip() for line in open("/proc/self/cgroup") if line.startswith("0:"))
    try:
        (group / "cgroup.procs").write_text(str(os.getpid()))
        fd = os.open(group, os.O_RDONLY)
        yield fd
        os.close(fd)
    finally:
        (tmp_path / own.lstrip("/") / "cgroup.procs").write_text(str(os.getpid()))
        group.rmdir()
        subprocess.run(["umount", tmp_path], check=True)


CGROUP_SYSCTL = 23


def test_cgroup_programs_decide(cgroup, row):
    def attached(text, prog_type, attach_type):
        b = BPF(text=PACKETS + text)
        f = b.load_func(b"f", prog_type, attach_type=attach_type)
        b.attach_func(f, cgroup, attach_type)
        return b, f

    kind = BPFAttachType.CGROUP_INET_EGRESS
    b, f = attached(b"int f(struct __sk_buff *s) { return hit(1); }", BPFProgType.CGROUP_SKB, kind)
    send(3)
    b.detach_func(f, cgroup, kind)
    assert b[b"hits"][0].value == 3
    row("cgroup_skb egress", "3 packets")

    kind = BPFAttachType.CGROUP_INET4_CONNECT
    text = b"int f(struct bpf_sock_addr *c) { return hit(0); }"
    b, f = attached(text, BPFProgType.CGROUP_SOCK_ADDR, kind)
    with socket.socket() as sock, pytest.raises(PermissionError):
        sock.connect(("127.0.0.1", 9))
    b.detach_func(f, cgroup, kind)
    assert b[b"hits"][0].value == 1
    row("cgroup_sock_addr connect4", "EPERM")

    kind = BPFAttachType.CGROUP_INET_SOCK_CREATE
    b, f = attached(b"int f(struct bpf_sock *s) { return hit(0); }", BPFProgType.CGROUP_SOCK, kind)
    with pytest.raises(PermissionError):
        socket.socket()
    b.detach_func(f, cgroup, kind)
    row("cgroup_sock create", "EPERM")

    kind = BPFAttachType.CGROUP_SYSCTL
    b, f = attached(b"int f(struct bpf_sysctl *s) { return hit(0); }", CGROUP_SYSCTL, kind)
    with pytest.raises(PermissionError):
        open("/proc/sys/kernel/ostype").read()
    b.detach_func(f, cgroup, kind)
    row("cgroup_sysctl", "EPERM")

    kind = BPFAttachType.CGROUP_DEVICE
    text = b"int f(struct bpf_cgroup_dev_ctx *d) { return hit(0); }"
    b, f = attached(text, BPFProgType.CGROUP_DEVICE, kind)
    with pytest.raises(PermissionError):
        open("/dev/null")
    b.detach_func(f, cgroup, kind)
    row("cgroup_device", "EPERM")

    kind = BPFAttachType.CGROUP_SETSOCKOPT
    b, f = attached(b"int f(struct bpf_sockopt *s) { return hit(0); }", BPFProgType.CGROUP_SOCKOPT, kind)
    with socket.socket() as sock, pytest.raises(PermissionError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    b.detach_func(f, cgroup, kind)
    row("cgroup_sockopt set", "EPERM")

    kind = BPFAttachType.CGROUP_SOCK_OPS
    b, f = attached(b"int f(struct bpf_sock_ops *s) { return hit(1); }", BPFProgType.SOCK_OPS, kind)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        socket.create_connection(listener.getsockname()).close()
    b.detach_func(f, cgroup, kind)
    assert b[b"hits"][0].value > 0
    row("sock_ops", f"{b[b'hits'][0].value} calls for a connection")
