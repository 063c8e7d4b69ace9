"""§12 implicit dereference: what a program reads is what /proc says."""

from __future__ import annotations

import contextlib
import ctypes as ct
import os
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from harness import T, open_file, row

MASK = (1 << 64) - 1


@contextlib.contextmanager
def terminal() -> Iterator[int]:
    """The programs' side of a new one."""
    master, slave = os.openpty()
    try:
        yield slave
    finally:
        os.close(master)
        os.close(slave)


def stat() -> list[str]:
    """Fields of /proc/self/stat, numbered as in proc(5): [1] is the pid."""
    text = Path("/proc/self/stat").read_text()
    return ["", "pid", "comm", *text[text.rindex(")") + 2 :].split()]


def static_priority() -> int:
    """The kernel's static_prio of this process."""
    return 120 + os.getpriority(os.PRIO_PROCESS, 0)


def total_vm() -> int:
    """Pages mapped."""
    return int(Path("/proc/self/statm").read_text().split()[0])


def grandparent() -> int:
    """tgid of the parent's parent."""
    text = Path(f"/proc/{os.getppid()}/stat").read_text()
    return int(text[text.rindex(")") + 2 :].split()[1])


def namespace(kind: str) -> int:
    return int(re.findall(r"\d+", os.readlink(f"/proc/self/ns/{kind}"))[0])


@row("§12 source: a parameter", "deref/parameter.c", "lower:reads")
def parameter(t: T) -> None:
    b, task = t.load(), t.current()
    t.probe(b, "prog", task)
    pages = total_vm()
    got = t.out(b, *range(6))
    want = [t.pid, t.pid, static_priority(), got[3], int(stat()[28]), os.getppid()]
    t.equal(got, want, "fields")
    t.true(abs(got[3] - pages) < 4096, f"total_vm is {got[3]}, /proc says {pages}")


@row("§12 source: a member of ctx", "deref/context_member.c", "lower:context")
def context_member(t: T) -> None:
    b, task = t.load(), t.current()
    t.equal(t.raw(b, "prog", 0, 0, task), t.pid + static_priority())


@row("§12 source: a member of a tracepoint's args", "deref/context_tracepoint.c", "lower:context")
def context_tracepoint(t: T) -> None:
    b = t.load(PID=t.pid)
    buffer = ct.create_string_buffer(b"\x01\x02\x03\x04" + bytes(500))
    from kernel import libc

    libc.syscall(63, buffer)
    t.equal(t.out(b, 0), 0x04030201, "the user's memory before uname(2) filled it")


@row("§12 source: bpf_get_current_task()", "deref/current_task.c", "lower:reads")
def current_task(t: T) -> None:
    import resource

    b = t.load()
    t.raw(b, "prog")
    s = stat()
    got = t.out(b, *range(11))
    want = [
        t.pid, t.pid, os.getppid(), grandparent(), got[4], int(s[26]), int(s[48]), os.geteuid(),
        namespace("mnt"), resource.getrlimit(resource.RLIMIT_NOFILE)[0] & MASK, t.pid,
    ]  # fmt: skip
    t.equal(got, want, "fields")
    t.true(abs(got[4] - total_vm()) < 4096, f"total_vm is {got[4]}, /proc says {total_vm()}")


@row("§12 variables and assignments", "deref/propagation.c", "lower:reads")
def propagation(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    up = os.getppid()
    t.equal(t.out(b, 0, 1, 2, 3, 4), [t.pid, t.pid, up, up, t.pid])


@row("§12 struct members", "deref/struct_member.c", "lower:reads")
def struct_member(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    got = t.out(b, 0, 1, 2, 3)
    t.equal([got[0], got[2], got[3]], [t.pid] * 3)
    t.true(abs(got[1] - total_vm()) < 4096, "total_vm")


@row("§12 helpers' parameters and results", "deref/helper_parameter.c", "lower:reads")
def helper_parameter(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    up = os.getppid()
    t.equal(t.out(b, 0, 1, 2, 3), [t.pid, up, t.pid, up])


@row("§12 pointers that come out of maps", "deref/map_value.c", "lower:reads")
def map_value(t: T) -> None:
    b = t.load()
    t.equal(t.raw(b, "use"), 1, "before anything is saved")
    t.raw(b, "save")
    t.equal(t.raw(b, "use"), 0)
    t.equal(t.out(b, 0, 1, 2), [t.pid, os.getppid(), t.pid])


@row("§12 form: p->a.b->c", "deref/chain.c", "lower:reads")
def chain(t: T) -> None:
    b = t.load()
    with open_file("chained-name") as fd:
        os.pwrite(fd, b"x" * 100, 0)
        os.lseek(fd, 77, os.SEEK_SET)
        t.raw(b, "prog", fd)
        info = os.fstat(fd)
        device = os.major(info.st_dev) << 20 | os.minor(info.st_dev)
        want = [info.st_ino, device, 77, len("chained-name"), os.stat(".").st_ino, 0]
        t.equal(t.out(b, *range(6)), want, "inode, device, position, name length, directory")


@row("§12 form: *p", "deref/star.c", "lower:reads")
def star(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    up = os.getppid()
    t.equal(t.out(b, 0, 1, 2, 3), [t.pid, up, up, up])


@row("§12 form: p[i]", "deref/subscript.c", "lower:reads")
def subscript(t: T) -> None:
    import resource

    b = t.load()
    with open_file("xyz-name") as fd:
        t.raw(b, "prog", fd)
        inode = os.fstat(fd).st_ino
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Two words a limit: number 14 is the soft limit of the seventh.
    want = [inode, ord("x"), ord("y"), files[0], ord("y"), ord("z"), files[1], inode]
    t.equal(t.out(b, *range(8)), [w & MASK for w in want], "elements")


@row("§12 &p->x is an address", "deref/address_of.c", "lower:reads")
def address_of(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    t.equal(t.out(b, 0, 1, 2), [t.pid, 1, os.getppid()])


@row("§12 array members are addresses", "deref/array_member.c", "lower:copies")
def array_member(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    own = Path("/proc/self/comm").read_bytes().strip()
    up = Path(f"/proc/{os.getppid()}/comm").read_bytes().strip()
    names = b[b"names"]
    t.equal([names[ct.c_uint(k)].comm for k in (1, 2)], [own, up], "comm")
    t.equal(t.out(b, 0), own[1], "second letter")


@row("§12 bit-fields", "deref/bit_field.c", "lower:reads")
def bit_field(t: T) -> None:
    b = t.load()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        t.raw(b, "prog", s.fileno())
        t.equal(t.out(b, 0, 1, 2, 3), [0, 0, 0, 0], "before")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, 11, 1)  # SO_NO_CHECK
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        SCHED_RESET_ON_FORK = 0x40000000
        os.sched_setscheduler(0, os.SCHED_OTHER | SCHED_RESET_ON_FORK, os.sched_param(0))
        t.raw(b, "prog", s.fileno())
    t.equal(t.out(b, 0, 1, 2, 3), [1, 1, 1, 1], "after")


@row("§12 unions", "deref/union.c", "lower:reads")
def union(t: T) -> None:
    from kernel import own_network

    own_network()
    b = t.load()
    listener = socket.create_server(("127.0.0.1", 0))
    with socket.create_connection(listener.getsockname()) as s:
        t.raw(b, "prog", s.fileno())
        address = struct.unpack("I", socket.inet_aton("127.0.0.1"))[0]
        want = [address, s.getsockname()[1], s.getpeername()[1], socket.AF_INET]
        t.equal(t.out(b, 0, 1, 2, 3), want, "address, ports, family")


@row("§12 ternaries", "deref/ternary.c", "lower:reads")
def ternary(t: T) -> None:
    b = t.load()
    t.equal([t.raw(b, "prog", 1), t.raw(b, "prog", 0)], [t.pid, os.getppid()])
    t.equal([t.raw(b, "mixed", 1), t.raw(b, "mixed", 0)], [t.pid, 12], "kernel or own memory")


@row("§12 loops", "deref/loop.c", "lower:reads")
def loop(t: T) -> None:
    b = t.load()
    want = [t.pid, os.getppid(), grandparent()]
    t.equal([t.raw(b, "prog", up) for up in (0, 1, 2)], want, "ancestors")


@row("§12 casts through integers", "deref/integer_cast.c", "lower:reads")
def integer_cast(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    t.equal(t.out(b, 0, 1, 2, 3), [t.pid, os.getppid(), t.pid, t.pid])


@row("§12 struct copies", "deref/struct_copy.c", "lower:reads")
def struct_copy(t: T) -> None:
    b = t.load()
    with open_file("qname") as fd:
        t.raw(b, "prog", fd)
        t.equal(t.out(b, 0, 1, 2), [5, ord("q"), os.fstat(fd).st_ino])


@row("§12 pointers in a local array", "deref/local_array.c", "lower:reads")
def local_array(t: T) -> None:
    b = t.load()
    for at, last in ((0, t.pid), (1, os.getppid())):
        t.raw(b, "prog", at)
        t.equal(t.out(b, 0, 1, 2, 3), [t.pid, os.getppid(), grandparent(), last])


@row("§12 forty reads in one function", "deref/forty.c", "lower:lifetimes")
def forty(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    t.equal(t.out(b, 1), t.pid + os.getppid(), "two of the reads")
    t.true(t.out(b, 0) > 0, "the sum")


@row("§12 trusted contexts are left alone", "deref/trusted_kfunc.c", "lower:reads", "fentry")
def trusted_kfunc(t: T) -> None:
    from rows_programs import sync

    b = t.load()
    inode, _ = sync()
    t.equal(b[b"seen"][ct.c_uint(t.pid)].value, inode)
    t.equal(b[b"seen"][ct.c_uint(2)].value, os.getppid(), "what came from a map is read")


@row("§12 a pointer out of a union, which the verifier may take for a number",
     "deref/trusted_union.c", "lower:unions", "fentry 6.12")  # fmt: skip
def trusted_union(t: T) -> None:
    from bcc import BPF

    vectors = "__iov" if BPF.kernel_struct_has_field(b"iov_iter", b"__iov") == 1 else "iov"
    b = t.load(VECTORS=vectors)
    with terminal() as slave:
        os.writev(slave, [b"seven c", b"and eleven."])
    t.equal(b[b"seen"][ct.c_uint(t.pid)].value, 7011)


@row("§12 what trusted pointers lead to that the verifier does not follow",
     "deref/trusted_types.c", "lower:types", "fentry")  # fmt: skip
def trusted_types(t: T) -> None:
    b = t.load()
    with terminal() as slave:
        os.write(slave, b"x")
        inode, name = os.fstat(slave).st_ino, os.path.basename(os.ttyname(slave)).encode()
    seen = b[b"seen"][ct.c_uint(t.pid)]
    t.equal((seen.first, seen.chosen, seen.copied), (name[0], name[-1], name[-1]))
    t.equal((seen.address, seen.beyond, seen.uid), (inode, inode, os.getuid()))


@row("§12 casts of trusted pointers, which the verifier refuses",
     "deref/trusted_cast.c", "lower:by_helper", "fentry")  # fmt: skip
def trusted_cast(t: T) -> None:
    b = t.load()
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            client.send(b"x")
            port = client.getsockname()[1]
    t.equal(b[b"seen"][ct.c_uint(t.pid)].value, port * 100 + 17)


@row("§12 a packet's own pointers are left alone", "deref/untouched_context.c", "lower:trusted")
def untouched(t: T) -> None:
    b = t.load()
    frame = bytes(12) + b"\x08\x06" + bytes(50)
    t.equal(t.packet(b, "prog", frame)[0], 0x0806)


@row("§12 a store through a kernel pointer", "deref/store.c", "lower:stores")
def store(t: T) -> None:
    t.says(t.fails(), "main.c:7:", "error:")


@row("§12 user pointers", "deref/user_pointer.c", "lower:reads")
def user_pointer(t: T) -> None:
    b = t.load()
    third = ct.create_string_buffer(struct.pack("QQ", 33, 0))
    second = ct.create_string_buffer(struct.pack("QQ", 22, ct.addressof(third)))
    first = ct.create_string_buffer(struct.pack("QQ", 11, ct.addressof(second)))
    t.probe(b, "prog", ct.addressof(first))
    t.equal(t.out(b, 0, 1, 2, 3), [11, 22, 33, 1])


@row("§12 inline functions of headers", "deref/header_inline.c", "lower:reads")
def header_inline(t: T) -> None:
    b = t.load()
    with open_file() as fd:
        info = os.fstat(fd)
        t.raw(b, "prog", fd)
        want = [info.st_ino, os.major(info.st_dev), os.minor(info.st_dev)]
        t.equal(t.out(b, 0, 1, 2), want, "inode, major, minor")


@row("§12 names of files and directories", "deref/file_names.c", "lower:reads")
def file_names(t: T) -> None:
    b = t.load()
    with open_file("a-file.txt") as fd:
        t.raw(b, "prog", fd)
    names = [b[b"names"][ct.c_uint(k)].text for k in range(3)]
    want = [b"a-file.txt", b"dialect-%d" % t.pid, os.path.basename(os.getcwdb())]
    t.equal(names, want, "names")


@row("§12 memcmp", "deref/compare.c", "lower:copies")
def compare(t: T) -> None:
    comm = Path("/proc/self/comm").read_text().strip()
    t.equal(t.raw(t.load(NAME=f'"{comm[:7]}"'), "prog"), 61, "the same")
    t.equal(t.raw(t.load(NAME='"zzzzzzz"'), "prog"), 62, "another")


@row("§12 callbacks", "deref/callback.c", "lower:reads")
def callback(t: T) -> None:
    t.equal(t.raw(t.load(), "prog"), t.pid + os.getppid())


@row("§12 reads in macros", "deref/macro.c", "lower:reads")
def macro(t: T) -> None:
    t.equal(t.raw(t.load(), "prog"), t.pid + os.getppid())


@row("§12 sizeof and typeof", "deref/sizeof_typeof.c", "lower:reads")
def sizeof_typeof(t: T) -> None:
    t.equal(t.raw(t.load(), "prog"), t.pid + 16 + 4)


@row("§12 kernel pointers in tables, at an index of run time", "deref/kernel_tables.c",
     "lower:reads")  # fmt: skip
def kernel_tables(t: T) -> None:
    b = t.load()
    own_first, parent_first = [t.pid, os.getppid()], [os.getppid(), t.pid]
    want = [own_first, parent_first, parent_first, own_first, own_first]
    t.equal([[t.raw(b, "prog", which, i) for i in (0, 1)] for which in range(5)], want)


@row("§12 tables of strings, at an index of run time", "deref/pointer_tables.c", "lower:pointers")
def string_tables(t: T) -> None:
    b = t.load()
    texts = [(b"ab", b"gh", b"mn", 1), (b"cd", b"ij", b"op", 2), (b"ef", b"kl", b"mn", 1)]
    want = [a[0] << 24 | m[1] << 16 | n[0] << 8 | number for a, m, n, number in texts]
    t.equal([t.raw(b, "names", i) for i in range(4)], [*want, -1])
    grid = [[t.raw(b, "two_indexes", i, j) for j in (0, 1)] for i in (0, 1)]
    t.equal(grid, [[ord("b"), ord("d")], [ord("f"), ord("h")]], "two indexes")


@row("§12 tables of map values and buffers, at an index of run time", "deref/pointer_tables.c",
     "lower:split")  # fmt: skip
def usable_tables(t: T) -> None:
    b = t.load()
    t.equal([t.raw(b, "map_values", i) for i in (0, 1, 1)], [10, 10, 20])
    t.equal([b[b"values"][i].value for i in (0, 1)], [10, 20])
    letters = [t.raw(b, "buffers", i) for i in (0, 1)]
    t.equal(letters, [ord("z") << 8 | ord("d"), ord("a") << 8 | ord("z")])


@row("§12 a map value's address kept in a variable", "deref/pointer_tables.c", "lower:kept")
def kept_address(t: T) -> None:
    b = t.load()
    b[b"values"][0] = ct.c_ulonglong(77)
    t.raw(b, "keep")
    t.equal(t.raw(b, "use_kept"), 77)


@row("§12 a pointer to own memory that is assigned a kernel pointer", "deref/reassigned.c",
     "lower:reads")  # fmt: skip
def reassigned(t: T) -> None:
    b = t.load()
    comm = Path("/proc/self/comm").read_bytes()[0]
    for name, own in ("global", ord("g")), ("stack", ord("s")), ("literal", ord("l")):
        got = [t.raw(b, name, assign) for assign in (0, 1)]
        t.equal(got, [own, comm], f"what a pointer to a {name} variable leads to, before and after")
    t.equal(t.raw(b, "never_assigned"), ord("g"), "through a global pointer")


@row("§12 a global pointer that begins as an address and is assigned", "diagnostics/first_address.c",
     "emit:addresses")  # fmt: skip
def first_address(t: T) -> None:
    message = t.fails()
    for line, name in (4, "string"), (5, "number"), (8, "member"), (12, "last"):
        text = f"`{name}` is a variable in memory, whose first value cannot be an address"
        t.says(message, f"main.c:{line}: error: {text}")
    t.says(message, "hint: assign it in the program, or never assign it")


@row("§12 integers that are pointers without a cast", "deref/integers.c", "none")
def integers(t: T) -> None:
    b = t.load()
    pair = (ct.c_uint64 * 2)(7, 9)
    t.probe(b, "prog", ct.addressof(pair))
    t.equal([b["out"][n].value for n in range(3)], [9, t.pid, 7], "read")
    t.says(t.output(), "main.c:8:15: warning: incompatible integer to pointer conversion")
