"""TCP sessions over the loopback device, of a known number of bytes."""

import socket

import pytest

SENT, ANSWERED = 10 * 1024 + 100, 3 * 1024 + 7


class Server:
    """A listening socket of its own port; sessions run in this process, so nothing races."""

    def __init__(self, family):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]

    def session(self):
        """One session, closed first by the client, to its very end on both sides."""
        client = socket.socket(self.socket.family, socket.SOCK_STREAM)
        client.connect(self.socket.getsockname())
        peer, _ = self.socket.accept()
        client.sendall(b"x" * SENT)
        self._receive(peer, SENT)
        peer.sendall(b"y" * ANSWERED)
        self._receive(client, ANSWERED)
        client.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b""
        peer.close()
        assert client.recv(1) == b""
        port = client.getsockname()[1]
        client.close()
        return port

    @staticmethod
    def _receive(connection, size):
        while size:
            size -= len(connection.recv(size))


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["ipv4", "ipv6"])
def server(request):
    try:
        server = Server(request.param)
    except OSError:
        assert request.param == socket.AF_INET6
        pytest.skip("this machine has no IPv6 loopback address")
    yield server
    server.socket.close()
