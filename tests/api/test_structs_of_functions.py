"""Programs in place of a kernel struct's functions: TCP congestion control."""

import os
import socket
import threading

import pytest
from bcc import BPF, AttachError

# What the kernel's `reno` does, by its own functions, and counted.
RENO = b"""
BPF_ARRAY(calls, u64, 3);
static inline void called(int which) {
    u64 *n = calls.lookup(&which);
    if (n) __sync_fetch_and_add(n, 1);
}
extern void tcp_reno_cong_avoid(struct sock *sk, u32 ack, u32 acked) __ksym;
extern u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

BPF_STRUCT_OPS(tcp_congestion_ops, ssthresh, struct sock *sk) {
    called(0);
    return tcp_reno_ssthresh(sk);
}
BPF_STRUCT_OPS(tcp_congestion_ops, cong_avoid, struct sock *sk, u32 ack, u32 acked) {
    called(1);
    tcp_reno_cong_avoid(sk, ack, acked);
    return 0;
}
BPF_STRUCT_OPS(tcp_congestion_ops, undo_cwnd, struct sock *sk) {
    called(2);
    return tcp_reno_undo_cwnd(sk);
}
"""
SENT = 1 << 20


def available():
    path = "/proc/sys/net/ipv4/tcp_available_congestion_control"
    return open(path).read().split()


def receive_all(listener, received):
    connection, _ = listener.accept()
    with connection:
        while chunk := connection.recv(1 << 16):
            received.append(len(chunk))


def send_with(algorithm):
    """Sends SENT bytes over a connection of that algorithm; how many arrived."""
    received = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=receive_all, args=(listener, received))
        thread.start()
        with socket.socket() as sender:
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, algorithm)
            sender.connect(listener.getsockname())
            used = sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
            assert used.rstrip(b"\0") == algorithm
            sender.sendall(bytes(SENT))
        thread.join()
    return sum(received)


def test_tcp_congestion_control(row):
    name = f"bcc{os.getpid()}".encode()
    with BPF(text=RENO) as b:
        assert b.attach_struct_ops(b"tcp_congestion_ops", {"name": name}) is b
        assert name.decode() in available()
        assert send_with(name) == SENT
        acknowledged = b[b"calls"][1].value
        assert acknowledged > 0
        row("BPF.attach_struct_ops (own)", f"{SENT} bytes sent, cong_avoid {acknowledged} times")
        with pytest.raises(Exception, match="has been attached"):
            b.attach_struct_ops(b"tcp_congestion_ops")
        b.detach_struct_ops(b"tcp_congestion_ops")
        assert name.decode() not in available()
        row("BPF.detach_struct_ops (own)", "no longer available")
        b.attach_struct_ops(b"tcp_congestion_ops", {"name": name})
    assert name.decode() not in available()
    row("struct_ops after cleanup", "no longer available")


def test_what_is_no_struct_of_functions_is_refused(row):
    with BPF(text=RENO) as b:
        with pytest.raises(AttachError, match="no such member"):
            b.attach_struct_ops(b"tcp_congestion_ops", {"no_such": b"x"})
        with pytest.raises(AttachError, match="larger than the member"):
            b.attach_struct_ops(b"tcp_congestion_ops", {"name": b"x" * 99})
        with pytest.raises(AttachError, match="sk_buff"):
            b.attach_struct_ops(b"sk_buff")
    row("struct_ops, refused", "no such member, too large, no such struct")
