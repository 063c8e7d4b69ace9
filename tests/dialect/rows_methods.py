"""§7 methods."""

from __future__ import annotations

import ctypes as ct
import os
import socket
import struct
from collections.abc import Callable

import kernel
from harness import T, row
from rows_tables import FRAME, established, holds

E2BIG, EEXIST, ENOENT, EAGAIN = 7, 17, 2, 11


@row("§7 lookup", "methods/lookup.c", "define:bcc_lookup")
def lookup(t: T) -> None:
    b = t.load()
    t.equal(t.raw(b, "prog", 5), -1, "an absent key")
    b[b"h"][ct.c_uint(5)] = ct.c_ulonglong(50)
    t.equal(t.raw(b, "prog", 5), 50)


@row("§7 lookup_or_try_init", "methods/lookup_or_try_init.c", "define:bcc_lookup_or_try_init")
def lookup_or_try_init(t: T) -> None:
    b = t.load()
    t.equal([t.raw(b, "prog", 1), t.raw(b, "prog", 1)], [41, 42], "the same key twice")
    t.equal(t.raw(b, "prog", 2), -1, "no room for a second key")


@row("§7 lookup_or_init", "methods/lookup_or_init.c", "define:bcc_lookup_or_init")
def lookup_or_init(t: T) -> None:
    b = t.load()
    t.equal([t.raw(b, "prog", 1), t.raw(b, "prog", 1)], [77, 77])
    t.equal(b[b"h"][ct.c_uint(1)].value, 42)
    t.equal(t.raw(b, "prog", 2), 0, "no room: the hidden return 0")


@row("§7 update", "methods/update.c", "define:bcc_update")
def update(t: T) -> None:
    b = t.load()
    for value in (9, 8):
        t.equal(t.raw(b, "prog", value), 0)
        t.equal(b[b"h"][ct.c_uint(1)].value, value)


@row("§7 insert", "methods/insert.c", "define:bcc_insert")
def insert(t: T) -> None:
    b = t.load()
    t.equal([t.raw(b, "prog", 9), t.raw(b, "prog", 8)], [0, -EEXIST])
    t.equal(b[b"h"][ct.c_uint(1)].value, 9)


@row("§7 delete", "methods/delete.c", "define:bcc_delete")
def delete(t: T) -> None:
    b = t.load()
    b[b"h"][ct.c_uint(1)] = ct.c_ulonglong(1)
    t.equal([t.raw(b, "prog", 1), t.raw(b, "prog", 1)], [0, -ENOENT])
    t.equal(len(b[b"h"]), 0, "entries left")


@row("§7 increment", "methods/increment.c", "define:bcc_increment")
def increment(t: T) -> None:
    b = t.load()
    t.raw(b, "prog", 2)
    t.equal(b[b"plain"][b[b"plain"].Key(1, 2)].value, 42, "1 + 41")
    t.equal(len(b[b"lru"]), 0, "a missing key of an LRU hash is not added, entries")
    t.equal(b[b"array"][2].value, 2)
    b[b"lru"][ct.c_uint(3)] = ct.c_ulonglong(10)
    t.raw(b, "prog", 2)
    t.equal(b[b"lru"][ct.c_uint(3)].value, 15)


@row("§7 atomic_increment", "methods/atomic_increment.c", "define:bcc_atomic_increment")
def atomic_increment(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    t.equal(b[b"plain"][ct.c_uint(6)].value, 42)
    t.equal(len(b[b"lru"]), 0, "entries of the LRU hash")
    t.equal(b[b"array"][1].value, 1)
    code = b.dump_func(b"prog")
    t.true(any(code[i] == 0xDB for i in range(0, len(code), 8)), "no atomic instruction")


@row("§7 perf_submit", "methods/perf_submit.c", "define:bcc_perf_submit")
def perf_submit(t: T) -> None:
    b = t.load()
    event = t.decoded(b, lambda: t.equal(t.raw(b, "prog"), 0))
    comm = open("/proc/self/comm", "rb").read().strip()
    want = {"pid": t.pid, "delta": -5, "when": 1 << 50, "comm": comm}
    t.equal(event, want, "event()")


@row("§7 perf_submit_skb", "methods/perf_submit_skb.c", "define:bcc_perf_submit_skb")
def perf_submit_skb(t: T) -> None:
    b = t.load()
    got = t.perf_events(b, lambda: t.equal(t.packet(b, "prog", FRAME)[0], 3))
    t.equal(struct.unpack_from("II", got[0]), (0xABCD, len(FRAME)))
    t.equal(got[0][8 : 8 + len(FRAME)], FRAME, "the packet behind the event")


@row("§7 ringbuf_output", "methods/ringbuf_output.c", "define:bcc_ringbuf_output")
def ringbuf_output(t: T) -> None:
    b = t.load()
    got = t.ring_events(b, lambda: [t.raw(b, "prog", 7), t.raw(b, "prog", 8)], 2)
    t.equal([struct.unpack_from("QHB", e) for e in got], [(7, 600, 7), (8, 600, 7)])
    fields = []
    b2 = t.load()

    def callback(_ctx: object, data: int, _size: int) -> None:
        event = b2[b"events"].event(data)
        fields.append((event.a, event.b, event.c))

    b2[b"events"].open_ring_buffer(callback)
    t.raw(b2, "prog", 9)
    t.until(lambda: fields, lambda: b2.ring_buffer_poll(1000))
    t.equal(fields, [(9, 600, 7)], "event()")


@row("§7 what finds no room in a ring buffer is counted", "methods/ringbuf_losses.c",
     "define:BCC_COUNT_LOSS")  # fmt: skip
def ringbuf_losses(t: T) -> None:
    b = t.load()
    room = (os.sysconf("SC_PAGESIZE") - 1) // 72
    outcomes = [t.raw(b, "prog", n) for n in range(room + 4)]
    t.equal(outcomes, [0] * room + [-EAGAIN] * 4, "outcomes of ringbuf_output")
    t.equal((b[b"events"].lost, b[b"other"].lost), (4, 0), "losses")
    t.equal([t.raw(b, "reserve") for _ in range(3)], [-1] * 3, "outcomes of ringbuf_reserve")
    t.equal((b[b"events"].lost, b[b"other"].lost), (7, 0), "losses")
    t.equal(len(t.ring_events(b, lambda: None, room)), room, "records")
    t.equal((t.raw(b, "prog", 1), t.raw(b, "reserve"), b[b"events"].lost), (0, 0, 7), "with room again")


def reserved(t: T) -> None:
    b = t.load()
    got = t.ring_events(b, lambda: t.equal(t.raw(b, "prog"), 0))
    t.equal(struct.unpack_from("QI", got[0]), (81, 82))


@row("§7 ringbuf_reserve", "methods/ringbuf_reserve.c", "define:bcc_ringbuf_reserve")
def ringbuf_reserve(t: T) -> None:
    reserved(t)


@row("§7 ringbuf_submit", "methods/ringbuf_reserve.c", "define:bcc_ringbuf_submit")
def ringbuf_submit(t: T) -> None:
    reserved(t)


@row("§7 ringbuf_discard", "methods/ringbuf_discard.c", "define:bcc_ringbuf_discard")
def ringbuf_discard(t: T) -> None:
    b = t.load()
    got = t.ring_events(b, lambda: [t.raw(b, "prog", 1), t.raw(b, "prog", 2)])
    t.equal([struct.unpack("Q", e) for e in got], [(2,)], "records")


@row("§7 ringbuf_query", "methods/ringbuf_query.c", "define:bcc_ringbuf_query")
def ringbuf_query(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    t.equal(t.out(b, 0, 1, 2, 3), [16, 2 * os.sysconf("SC_PAGESIZE"), 0, 16])


@row("§7 perf_read", "tables/perf_array.c", "define:bcc_perf_read")
def perf_read(t: T) -> None:
    from bcc import PerfSWConfig, PerfType

    b = t.load()
    b[b"clock"].open_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)
    t.equal(t.raw(b, "prog"), 0)
    first = t.out(b, 0)
    t.raw(b, "prog")
    t.true(0 < first < t.out(b, 0), "the clock does not run")


@row("§7 perf_counter_value", "methods/perf_counter_value.c", "define:bcc_perf_counter_value")
def perf_counter_value(t: T) -> None:
    from bcc import PerfSWConfig, PerfType

    b = t.load()
    t.true(t.raw(b, "prog") < 0, "an empty slot is no error")
    b[b"clock"].open_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)
    t.equal(t.raw(b, "prog"), 0)
    value = b[b"out"][0]
    t.true(value.counter > 0 and value.enabled > 0 and value.running > 0, "empty counters")


@row("§7 get_stackid", "tables/stack_trace.c", "define:bcc_get_stackid")
def get_stackid(t: T) -> None:
    b = t.load()
    t.probe(b, "prog", 1)
    t.equal(len(list(b[b"stacks"].walk(t.out(b, 0)))) > 0, True, "a stack")


@row("§7 call", "methods/call.c", "define:bcc_call")
def call(t: T) -> None:
    from bcc import BPF

    b = t.load()
    b[b"targets"][0] = b.load_func(b"first", BPF.RAW_TRACEPOINT)
    b[b"targets"][3] = b.load_func(b"second", BPF.RAW_TRACEPOINT)
    t.equal([t.raw(b, "prog", slot) for slot in (0, 3, 1, 77)], [1, 2, 1000, 1000])


@row("§7 redirect_map", "methods/redirect_map.c", "define:bcc_redirect_map")
def redirect_map(t: T) -> None:
    from bcc import BPF

    kernel.own_network()
    b = t.load()
    t.equal(t.packet(b, "fallback", FRAME, "XDP")[0], BPF.XDP_PASS, "the flags of an empty slot")
    b[b"devices"][ct.c_uint(1)] = ct.c_int(socket.if_nametoindex("lo"))
    t.equal(t.packet(b, "prog", FRAME, "XDP")[0], BPF.XDP_REDIRECT)


@row("§7 check_current_task", "tables/cgroup_array.c", "define:bcc_check_current_task")
def check_current_task(t: T) -> None:
    with kernel.own_cgroup(inside=False) as group:
        b = t.load()
        b[b"groups"][1] = str(group)
        t.equal(t.raw(b, "prog"), 0, "outside the group")
        (group / "cgroup.procs").write_text(str(t.pid))
        t.equal(t.raw(b, "prog"), 1, "inside the group")


def storage(t: T) -> None:
    b = t.load(PID=t.pid)
    os.close(os.open("/etc/passwd", os.O_RDONLY))
    t.equal(t.out(b, 0), 55, "outcome")


@row("§7 sk_storage_get", "methods/sk_storage.c", "define:bcc_sk_storage_get")
def sk_storage_get(t: T) -> None:
    t.equal(t.packet(t.load(), "prog", FRAME)[0], 55, "outcome")


@row("§7 sk_storage_delete", "methods/sk_storage.c", "define:bcc_sk_storage_delete")
def sk_storage_delete(t: T) -> None:
    t.equal(t.packet(t.load(), "prog", FRAME)[0], 55, "outcome")


@row("§7 inode_storage_get", "methods/inode_storage.c", "define:bcc_inode_storage_get", "lsm")
def inode_storage_get(t: T) -> None:
    storage(t)


@row("§7 inode_storage_delete", "methods/inode_storage.c", "define:bcc_inode_storage_delete", "lsm")
def inode_storage_delete(t: T) -> None:
    storage(t)


@row("§7 task_storage_get", "methods/task_storage.c", "define:bcc_task_storage_get", "lsm")
def task_storage_get(t: T) -> None:
    storage(t)


@row("§7 task_storage_delete", "methods/task_storage.c", "define:bcc_task_storage_delete", "lsm")
def task_storage_delete(t: T) -> None:
    storage(t)


@row("§7 get_local_storage", "methods/get_local_storage.c", "define:bcc_get_local_storage")
def get_local_storage(t: T) -> None:
    b = t.load()
    t.packet(b, "prog", FRAME, "CGROUP_SKB", repeat=5)
    t.equal(t.out(b, 0), 15)


def queue(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    values = t.out(b, *range(8))
    signed = [v - (1 << 64) if v >> 63 else v for v in values]
    t.equal(signed, [0, 0, -E2BIG, 0, 11, 11, 12, -ENOENT], "push, peek and pop")


@row("§7 push", "methods/queue.c", "define:bcc_push")
def push(t: T) -> None:
    queue(t)


@row("§7 pop", "methods/queue.c", "define:bcc_pop")
def pop(t: T) -> None:
    queue(t)


@row("§7 peek", "methods/queue.c", "define:bcc_peek")
def peek(t: T) -> None:
    queue(t)


@row("§7 sock_map_update", "methods/sock_map_update.c", "define:bcc_sock_map_update")
def sock_map_update(t: T) -> None:
    b = t.load()
    _ends = established(t, b)
    holds(t, b, b"by_index", struct.pack("I", 2), struct.pack("I", 3))


@row("§7 sock_hash_update", "methods/sock_hash_update.c", "define:bcc_sock_hash_update")
def sock_hash_update(t: T) -> None:
    b = t.load()
    client, _server = established(t, b)
    key = struct.pack("II", 0x7F000001, client.getsockname()[1])
    holds(t, b, b"by_pair", key, bytes(8))


SK_SKB_PARSER, SK_SKB_VERDICT, SK_MSG_VERDICT = 4, 5, 7


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection over lo."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    return client, listener.accept()[0]


def redirected(t: T, attach: Callable[[object, int], None], key: Callable[[int], bytes]) -> object:
    """Data sent on one connection that a program hands to another one."""
    kernel.own_network()
    b = t.load()
    fd = t.fd(b, b"sockets")
    attach(b, fd)
    (a, far_a), (c, far_c) = pair(), pair()
    kernel.update(fd, key(0), struct.pack("I", a.fileno()))
    kernel.update(fd, key(1), struct.pack("I", c.fileno()))
    b.ends = a, far_a, c, far_c
    for s in b.ends:
        s.settimeout(10)
    return b


@row("§7 msg_redirect_hash", "methods/msg_redirect_hash.c", "define:bcc_msg_redirect_hash")
def msg_redirect_hash(t: T) -> None:
    from bcc import BPF

    def attach(b: object, fd: int) -> None:
        kernel.prog_attach(fd, b.load_func(b"prog", BPF.SK_MSG).fd, SK_MSG_VERDICT)

    b = redirected(t, attach, lambda n: struct.pack("I", n))
    b.ends[0].send(b"over")
    t.equal(b.ends[2].recv(16), b"over", "data at the other socket")
    t.equal(t.out(b, 0), 1, "runs")


@row("§7 sk_redirect_hash", "methods/sk_redirect_hash.c", "define:bcc_sk_redirect_hash")
def sk_redirect_hash(t: T) -> None:
    from bcc import BPF

    def attach(b: object, fd: int) -> None:
        kernel.prog_attach(fd, b.load_func(b"parser", BPF.SK_SKB).fd, SK_SKB_PARSER)
        kernel.prog_attach(fd, b.load_func(b"prog", BPF.SK_SKB).fd, SK_SKB_VERDICT)

    b = redirected(t, attach, lambda n: struct.pack("I", n))
    b.ends[1].send(b"there")
    t.equal(b.ends[3].recv(16), b"there", "data at the other connection's far end")
    t.true(t.out(b, 0) >= 1, "the program did not run")


@row("§7 msg_redirect_map", "methods/redirect_sockmap.c", "define:bcc_msg_redirect_map")
def msg_redirect_map(t: T) -> None:
    from bcc import BPF

    def attach(b: object, fd: int) -> None:
        kernel.prog_attach(fd, b.load_func(b"message", BPF.SK_MSG).fd, SK_MSG_VERDICT)

    b = redirected(t, attach, lambda n: struct.pack("I", n))
    b.ends[0].send(b"over")
    t.equal(b.ends[2].recv(16), b"over")


@row("§7 sk_redirect_map", "methods/redirect_sockmap.c", "define:bcc_sk_redirect_map")
def sk_redirect_map(t: T) -> None:
    from bcc import BPF

    def attach(b: object, fd: int) -> None:
        kernel.prog_attach(fd, b.load_func(b"verdict", BPF.SK_SKB).fd, SK_SKB_VERDICT)

    b = redirected(t, attach, lambda n: struct.pack("I", n))
    b.ends[1].send(b"there")
    t.equal(b.ends[3].recv(16), b"there")


@row("§7 an unknown method", "methods/unknown.c", "message:invalid bpf_table operation")
def unknown(t: T) -> None:
    t.says(t.fails(), "invalid bpf_table operation lookup_maybe", "/virtual/main.c:7:")


@row("§7 calls inside calls", "methods/nested.c", "define:bcc_lookup_or_init")
def nested(t: T) -> None:
    b = t.load()
    t.equal(t.raw(b, "prog"), 30)
    t.equal(b[b"numbers"][ct.c_uint(1)].value, 2)
