"""sslsniff shows what this process says to itself through OpenSSL, in memory."""

import ctypes
import os

import pytest
from conftest import column

SCRIPT = "tools/sslsniff.py"
SET_MAX_PROTO_VERSION, TLS1_2 = 124, 0x0303


class Conversation:
    """Two ends of an encrypted connection over a pair of memory buffers, without certificates."""

    def __init__(self):
        try:
            self.ssl = ctypes.CDLL("libssl.so.3")
            self.crypto = ctypes.CDLL("libcrypto.so.3")
        except OSError:
            pytest.skip("this machine has no OpenSSL 3")
        p = ctypes.c_void_p
        for library, name, result, arguments in (
            (self.ssl, "TLS_method", p, []),
            (self.ssl, "SSL_CTX_new", p, [p]),
            (self.ssl, "SSL_CTX_set_cipher_list", ctypes.c_int, [p, ctypes.c_char_p]),
            (self.ssl, "SSL_CTX_ctrl", ctypes.c_long, [p, ctypes.c_int, ctypes.c_long, p]),
            (self.ssl, "SSL_new", p, [p]),
            (self.ssl, "SSL_set_bio", None, [p, p, p]),
            (self.ssl, "SSL_set_connect_state", None, [p]),
            (self.ssl, "SSL_set_accept_state", None, [p]),
            (self.ssl, "SSL_do_handshake", ctypes.c_int, [p]),
            (self.ssl, "SSL_write", ctypes.c_int, [p, ctypes.c_char_p, ctypes.c_int]),
            (self.ssl, "SSL_read", ctypes.c_int, [p, p, ctypes.c_int]),
            (self.crypto, "BIO_new_bio_pair", ctypes.c_int, [p, ctypes.c_size_t] * 2),
        ):
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        context = self.ssl.SSL_CTX_new(self.ssl.TLS_method())
        self.ssl.SSL_CTX_ctrl(context, SET_MAX_PROTO_VERSION, TLS1_2, None)
        assert self.ssl.SSL_CTX_set_cipher_list(context, b"aNULL:@SECLEVEL=0") == 1
        self.context = context
        self.shake_hands()

    def shake_hands(self):
        one, other = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.crypto.BIO_new_bio_pair(ctypes.byref(one), 0, ctypes.byref(other), 0) == 1
        self.client, self.server = (self.ssl.SSL_new(self.context) for _ in range(2))
        self.ssl.SSL_set_bio(self.client, one, one)
        self.ssl.SSL_set_bio(self.server, other, other)
        self.ssl.SSL_set_connect_state(self.client)
        self.ssl.SSL_set_accept_state(self.server)
        for _ in range(10):
            ends = (self.client, self.server)
            if [self.ssl.SSL_do_handshake(end) for end in ends] == [1, 1]:
                return
        pytest.fail("no connection")

    def say(self, text):
        assert self.ssl.SSL_write(self.client, text, len(text)) == len(text)
        buffer = ctypes.create_string_buffer(20000)
        assert self.ssl.SSL_read(self.server, buffer, len(buffer)) == len(text)
        assert buffer.raw[: len(text)] == text


@pytest.fixture
def conversation():
    return Conversation()


def sniff(start, *args):
    return start(SCRIPT, "-p", str(os.getpid()), "--no-gnutls", "--no-nss", *args)


def test_what_is_written_and_read_is_shown(start, conversation):
    tool = sniff(start, "-x", "-l")
    header = tool.ready()
    assert header == (
        "FUNC         TIME(s)            COMM             PID     LEN     UID     TID     LAT(ms)"
    )
    conversation.say("telling é text".encode())
    conversation.say(b"the-end")
    tool.wait_for(lambda _: tool.lines.count("----- END DATA -----") == 4)
    assert tool.interrupt() == 0, tool.report()
    rows = [line for line in tool.lines if line.startswith(("WRITE/SEND ", "READ/RECV "))]
    assert [row.split()[0] for row in rows] == ["WRITE/SEND", "READ/RECV"] * 2, tool.report()
    for row, length in zip(rows, (15, 15, 7, 7), strict=True):
        assert column(header, row, "PID") == str(os.getpid())
        assert int(column(header, row, "LEN")) == length
        fields = row.split()
        assert int(fields[-3]) == os.getuid() and int(fields[-2]) == os.getpid()
        assert float(fields[-1]) > 0
    assert tool.lines[1].split()[1] == "0.000000000"
    assert tool.lines[2:7] == ["----- DATA -----", "telling é text", "----- END DATA -----", "", ""]
    assert tool.errors == []


def test_long_data_is_cut_and_shown_in_hex(start, conversation):
    tool = sniff(start, "--hexdump", "--max-buffer-size", "20")
    tool.ready()
    conversation.say(bytes(range(251)))
    tool.wait_for(lambda line: line.startswith("----- END DATA"))
    assert tool.interrupt() == 0
    assert tool.lines[2:6] == [
        "----- DATA -----", bytes(range(16)).hex(), bytes(range(16, 20)).hex(),
        "----- END DATA (TRUNCATED, 231 bytes lost) -----",
    ], tool.report()  # fmt: skip


def test_handshakes_and_json(start, conversation):
    tool = sniff(start, "--json", "-l", "--handshake", "-c", open("/proc/self/comm").read().strip())
    tool.knock(conversation.shake_hands)
    conversation.say(b"x" * 16000)
    tool.wait_for(lambda line: '"READ/RECV"' in line)
    assert tool.interrupt() == 0
    records = tool.json()
    assert records[0]["func"] == "HANDSHAKE" and records[0]["len"] == records[0]["captured"] == 0
    (read,) = [r for r in records if r["func"] == "READ/RECV"]
    assert (read["len"], read["captured"], read["data"]) == (16000, 8192, "x" * 8192)


def test_mistakes_are_one_line(start):
    for library, error in (
        ("openssl", "Invalid SSL library param: 'openssl'"),
        ("x:/y", "Invalid SSL library type: 'x'"),
        ("nss:/no/such", "Invalid library path: '/no/such'"),
    ):
        tool = start(SCRIPT, "--extra-lib", library)
        assert tool.finish() == 2
        assert tool.errors[-1] == f"sslsniff.py: error: argument --extra-lib: {error}"
