"""Workloads: each function does once what some tool reports. They run in a guest, as root."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import pty
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
ROOT = Path("/run/compat")
DISK = "/dev/vda"
SYS_STAT = 4
BLACKHOLE = "192.0.2.2"
LOSSY = "/run/netns/lossy"


def touch(directory: Path) -> None:
    """Writes a file, makes it durable, reads it back through the page cache and below it."""
    path = directory / "compat-data"
    with open(path, "wb", buffering=0) as file:
        file.write(b"x" * 65536)
        os.fsync(file.fileno())
    path.read_bytes()


def files() -> None:
    touch(ROOT / "ext4")


ext4 = files


def btrfs() -> None:
    touch(ROOT / "btrfs")


def xfs() -> None:
    touch(ROOT / "xfs")


def disk() -> None:
    with mmap.mmap(-1, 65536) as buffer:
        fd = os.open(DISK, os.O_RDWR | os.O_DIRECT)
        for block in range(8):
            os.pwrite(fd, buffer, block * 65536)
            os.preadv(fd, [buffer], block * 65536)
        os.close(fd)


def listen() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(5)


def tcp() -> None:
    with connection() as (client, peer):
        for _ in range(20):
            client.sendall(b"x" * 1000)
            peer.recv(1 << 16)
            peer.sendall(b"y" * 1000)
            client.recv(1 << 16)


@contextlib.contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a TCP connection over the loopback device."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(5)
        with socket.create_connection(server.getsockname()) as client:
            peer, _ = server.accept()
            with peer:
                yield client, peer


def loss() -> None:
    """TCP over a loopback device that loses packets; it is in another network namespace."""
    ours, lossy = (os.open(path, os.O_RDONLY) for path in ("/proc/self/ns/net", LOSSY))
    # Of this thread only.
    assert LIBC.setns(lossy, 0) == 0
    try:
        with connection() as (client, peer):
            sender = threading.Thread(target=client.sendall, args=(b"x" * 1000000,))
            sender.start()
            left = 1000000
            while left:
                left -= len(peer.recv(1 << 16))
            sender.join()
    finally:
        LIBC.setns(ours, 0)
        os.close(ours)
        os.close(lossy)


def retransmit() -> None:
    """A SYN that nobody answers is sent again after a second."""
    with socket.socket() as client:
        client.settimeout(1.5)
        try:
            client.connect((BLACKHOLE, 9))
        except OSError:
            pass


def bash() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv("/bin/bash", ["bash", "--norc", "-i"])
    os.write(terminal, b"echo compat-1\nexit\n")
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:  # the other side is closed
        pass
    os.waitpid(pid, 0)
    os.close(terminal)


def chown() -> None:
    path = ROOT / "ext4" / "compat-owned"
    path.touch()
    os.chown(path, 1, 1)
    os.chown(path, 0, 0)


def spin() -> None:
    children = [os.fork() for _ in range(3)]
    if 0 in children:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass
        os._exit(0)
    for child in children:
        os.waitpid(child, 0)


def fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def http() -> None:
    """A request and its answer."""
    with connection() as (client, peer):
        client.sendall(b"GET /compat HTTP/1.1\r\nHost: compat\r\n\r\n")
        peer.recv(1 << 16)
        peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        client.recv(1 << 16)


def datagrams() -> None:
    """UDP that arrives on compat0."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as peer:
        peer.bind(("compat1", 0))
        to = bytes.fromhex(Path("/sys/class/net/compat0/address").read_text().strip().replace(":", ""))
        ip = bytes.fromhex("4500001c0000000040110000c000020ac0000209")
        for _ in range(20):
            peer.send(to + to + b"\x08\x00" + ip + bytes.fromhex("0009000900080000") + bytes(32))


def ping6() -> None:
    """An echo request to all neighbours, on the interface that an example makes."""
    request = bytes([128, 0, 0, 0, 0, 1, 0, 1]) + bytes(32)
    with contextlib.suppress(OSError), socket.socket(
        socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6
    ) as out:
        out.sendto(request, ("ff02::1", 0, 0, socket.if_nametoindex("me")))


def execute() -> None:
    subprocess.run(["/bin/true"], check=True)


def lookup() -> None:
    for _ in range(50):
        try:
            os.stat(ROOT / "ext4" / f"compat-absent{time.monotonic_ns()}")
        except FileNotFoundError:
            pass


def stat() -> None:
    """By the system call that has the name: the C library no longer uses it."""
    LIBC.syscall(SYS_STAT, b"/run/compat-absent", ctypes.create_string_buffer(256))


def pipe() -> None:
    read, write = os.pipe()
    for _ in range(100):
        os.write(write, b"x")
        os.read(read, 1)
    os.close(read)
    os.close(write)


def unlink() -> None:
    path = ROOT / "ext4" / "compat-gone"
    path.write_text("x")
    # Another tool's workload may be the one that removes it.
    path.unlink(missing_ok=True)


def resolve() -> None:
    socket.getaddrinfo("localhost", 80)


def kill() -> None:
    os.kill(os.getpid(), 0)


def mount() -> None:
    target = ROOT / "mount"
    target.mkdir(exist_ok=True)
    LIBC.mount(b"compat", bytes(target), b"tmpfs", 0, None)
    LIBC.umount2(bytes(target), 0)


def oom() -> None:
    group = Path("/sys/fs/cgroup/compat")
    group.mkdir(exist_ok=True)
    (group / "memory.max").write_text("20M")
    child = os.fork()
    if child == 0:
        (group / "cgroup.procs").write_text(str(os.getpid()))
        hog = bytearray(64 << 20)
        hog[::4096] = b"x" * (len(hog) // 4096)
        os._exit(0)
    os.waitpid(child, 0)


def hugepages() -> None:
    """Asks for more large pages than are free: reclaim and compaction on the caller's account."""
    pool = Path("/proc/sys/vm/nr_hugepages")
    touch(ROOT / "ext4")
    pool.write_text("1400")
    pool.write_text("0")


def readahead() -> None:
    path = ROOT / "ext4" / "compat-long"
    if not path.exists():
        path.write_bytes(b"x" * (4 << 20))
        os.sync()
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    while os.read(fd, 65536):
        pass
    os.close(fd)


def shm() -> None:
    segment = LIBC.shmget(0, 4096, 0o1600)
    LIBC.shmctl(segment, 0, None)


def sendfd() -> None:
    one, other = socket.socketpair()
    with one, other:
        socket.send_fds(one, [b"x"], [0])
        _, fds, _, _ = socket.recv_fds(other, 1, 1)
        for fd in fds:
            os.close(fd)


def sync() -> None:
    os.sync()


def thread() -> None:
    worker = threading.Thread(target=int)
    worker.start()
    worker.join()


def ssl() -> None:
    port = _tls_server()
    subprocess.run(
        ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", f"127.0.0.1:{port}"],
        input=b"compat-secret\n", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip


_servers: list[tuple[subprocess.Popen[bytes], int]] = []
_servers_lock = threading.Lock()


def _tls_server() -> int:
    with _servers_lock:
        if not _servers:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            key = str(ROOT / "tls.pem")
            request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
            request += ["ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=compat"]
            subprocess.run([*request, "-keyout", key, "-out", key], check=True, capture_output=True)
            server = subprocess.Popen(
                ["openssl", "s_server", "-quiet", "-key", key, "-cert", key, "-accept", str(port)],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            _servers.append((server, port))
        return _servers[0][1]


class Traced:
    """A process that does something for each line it reads."""

    def __init__(self, argv: list[str]) -> None:
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def say(self, word: str) -> None:
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(word.encode() + b"\n")
        stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class Terminal:
    """A pty whose program side is read, so that it never fills."""

    def __init__(self) -> None:
        self.outer, self.inner = pty.openpty()
        self.name = os.ttyname(self.inner)

    def say(self, word: str) -> None:
        # ttysnoop reads vectors only: since 6.0 a plain write is none, nor is one of a single part since 6.4.
        os.writev(self.inner, [word.encode(), b"\n"])
        while select.select([self.outer], [], [], 0)[0]:
            os.read(self.outer, 4096)

    def end(self) -> None:
        os.close(self.inner)
        os.close(self.outer)


def stop(process: subprocess.Popen[bytes], wait: float) -> None:
    """Ctrl-C, then the end by force when that does not help in time."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(wait)
            return
        except subprocess.TimeoutExpired:
            continue


WORK: dict[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        files, btrfs, xfs, disk, listen, tcp, loss, retransmit, bash, chown, spin, lookup, stat,
        pipe, unlink, resolve, kill, mount, oom, hugepages, readahead, shm, sendfd, sync, thread,
        ssl, fork, http, datagrams, ping6,
    )
} | {"ext4": files, "exec": execute}  # fmt: skip
