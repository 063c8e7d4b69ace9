"""§8 functions, §9 attach by name, §10 program macros, §11 arguments."""

from __future__ import annotations

import ctypes as ct
import errno
import fcntl
import mmap
import os
import socket
import struct
import subprocess
from typing import Any

import kernel
from harness import Missing, T, row, s64


@row("§8 programs are external functions with a body", "functions/candidates.c", "parse:programs")
def candidates(t: T) -> None:
    b = t.load()
    names = b.module.functions()
    t.equal(names, [b"second_named_first", b"another", b"sectioned"], "functions in order")
    got = [t.raw(b, n.decode()) for n in names]
    t.equal(got, [5, 6, 7])


def calls(b: Any, name: bytes) -> int:
    """Calls of functions of the program's own text."""
    code = b.dump_func(name)
    return sum(code[i] == 0x85 and code[i + 1] >> 4 == 1 for i in range(0, len(code), 8))


@row("§8 a static helper is inlined", "functions/static_helper.c", "emit:inline")
def static_helper(t: T) -> None:
    b = t.load()
    t.equal(t.raw(b, "prog", 5), 21)
    t.equal(calls(b, b"prog"), 0, "calls between functions")


@row("§8 a non-static helper can be called", "functions/global_helper.c", "emit:helpers")
def global_helper(t: T) -> None:
    b = t.load()
    t.equal(b.module.functions(), [b"prog"], "programs")
    t.equal(t.raw(b, "prog"), 33)
    t.equal(b[b"h"][ct.c_uint(30)].value, 1)


@row("§8 a noinline helper stays a function", "functions/noinline_helper.c", "emit:subprograms")
def noinline_helper(t: T) -> None:
    b = t.load()
    t.equal(t.raw(b, "prog"), 2 * t.pid)
    t.true(calls(b, b"prog"), "no call between functions")


@row("§8 parameters must be named", "functions/unnamed_parameter.c",
     "message:arguments to BPF program definition must be named")
def unnamed(t: T) -> None:
    t.says(t.fails(), "arguments to BPF program definition must be named", "main.c:3:")


@row("§8 at most six arguments", "functions/too_many_parameters.c", "message:too many arguments")
def too_many(t: T) -> None:
    text = "too many arguments, bcc only supports in-register parameters"
    t.says(t.fails(), text, "main.c:3:")


@row("§8 contexts whose members are kernel pointers", "functions/context_types.c", "lower:context")
def context_types(t: T) -> None:
    b, task = t.load(), t.current()
    t.probe(b, "registers", task)
    t.raw(b, "raw", task)
    t.equal(t.out(b, 0, 1), [t.pid, t.pid])
    t.equal(t.packet(b, "packet", bytes(60))[0], 60, "an skb's own member")


@row("§8 names in the kernel", "functions/kernel_names.c", "bpf_iter__")
def kernel_names(t: T) -> None:
    from bcc import BPF

    text = t.text().replace(b"kprobe__", b"bpf_iter__")
    b = t.load(text=text)
    for name, want in {
        b"bpf_iter__not_a_function_at_all": "not_a_function_",
        b"a_long_name_of_a_program": "a_long_name_of_",
    }.items():
        fd = b.load_func(name, BPF.RAW_TRACEPOINT).fd
        t.equal(kernel.prog_name(fd), want, "program name")


@row("§8 global and static variables", "functions/globals.c", "emit:data_maps")
def global_variables(t: T) -> None:
    b = t.load()
    # counter 1, start 41, table[2] 30, zeroed[2] 5; then 2, 43, 30, 10
    t.equal([t.raw(b, "prog", 2), t.raw(b, "prog", 2)], [76, 83])


@row("§8 string literals", "functions/literals.c", "emit:data_maps")
def literals(t: T) -> None:
    b = t.load()
    for at, word in enumerate((b"zero", b"one", b"three")):
        t.raw(b, "prog", at)
        t.equal(t.out(b, 0, 1, 2, 3, 4), [len(word), word[0], 6, ord("k"), 0], word.decode())


@row("§8 tables of pointers", "functions/pointer_tables.c", "lower:pointers")
def pointer_tables(t: T) -> None:
    b = t.load()
    words, colours, kinds = ("zero", "one", "two"), ("red", "green", "blue"), ("pipe", "device", "timer")
    for at in range(3):
        t.equal(t.raw(b, "prog", at), 0)
        want = [words[at][1], colours[at][0], chr(10 * (at + 1)), kinds[at][2]]
        t.equal(t.out(b, 0, 1, 2, 3), [ord(c) for c in want], words[at])


@row("§8 callbacks", "functions/callbacks.c", "emit:callbacks")
def callbacks(t: T) -> None:
    b = t.load()
    for key in (1, 2, 3):
        b[b"h"][ct.c_uint(key)] = ct.c_ulonglong(10 * key)
    t.raw(b, "prog")
    t.equal(t.out(b, 0, 1, 2, 3), [190, 20, 140, 3], "sums and calls")


@row("§8 timers", "functions/timer.c", "emit:callbacks")
def timer(t: T) -> None:
    b = t.load()
    t.equal(t.packet(b, "prog", bytes(60))[0], 0, "timer started")
    fd, key = t.fd(b, b"slots"), struct.pack("I", 0)
    t.until(
        lambda: struct.unpack_from("Q", kernel.lookup(fd, key, 24), 16)[0] == 1,
        lambda: os.sched_yield(),
    )


@row("§8 dynptr helpers", "functions/dynptr.c", "define:bpf_dynptr_write")
def dynptr(t: T) -> None:
    b = t.load()
    got = t.ring_events(b, lambda: t.equal(t.raw(b, "prog"), 0))
    t.equal(struct.unpack("Q", got[0])[0], 91)


@row("§8 kernel functions", "functions/kfunc.c", "emit:kfunc", "6.2")
def kfunc(t: T) -> None:
    b = t.load(PID=t.pid)
    t.equal(t.packet(b, "prog", bytes(60))[0], 0)
    t.equal(t.out(b, 0), t.pid)


# ---------------------------------------------------------------------------------------------


def sleep_a_moment() -> None:
    """nanosleep(2) of 1 ns."""
    kernel.libc.syscall(35, struct.pack("qq", 0, 1), None)


@row("§9 kprobe__F", "attach/kprobe.c", "kprobe__", "kprobe")
def kprobe(t: T) -> None:
    b = t.load()
    sleep_a_moment()
    sleep_a_moment()
    t.equal(b[b"calls"][ct.c_uint(t.pid)].value, 2)


@row("§9 kretprobe__F", "attach/kretprobe.c", "kretprobe__", "kprobe")
def kretprobe(t: T) -> None:
    b = t.load()
    os.getppid()
    t.equal(b[b"results"][ct.c_uint(t.pid)].value, os.getppid())


@row("§9 tracepoint__C__E", "attach/tracepoint.c", "tracepoint__")
def tracepoint(t: T) -> None:
    b = t.load()
    for _ in range(7):
        os.getppid()
    t.equal(b[b"calls"][ct.c_uint(t.pid)].value, 7)


@row("§9 raw_tracepoint__E", "attach/raw_tracepoint.c", "raw_tracepoint__")
def raw_tracepoint(t: T) -> None:
    b = t.load(PID=t.pid)
    for _ in range(5):
        os.getppid()
    t.equal(b[b"calls"][ct.c_uint(110)].value, 5)


def sync() -> tuple[int, int]:
    """msync of a file, whose function lies in another unit than vfs_fsync_range: inode, result."""
    fd = os.memfd_create("dialect")
    try:
        os.ftruncate(fd, mmap.PAGESIZE)
        with mmap.mmap(fd, mmap.PAGESIZE) as area:
            area.flush()
        return os.fstat(fd).st_ino, 0
    finally:
        os.close(fd)


@row("§9 kfunc__M__F and kretfunc__M__F", "attach/kfunc.c", "kfunc__", "fentry")
def kfunc_names(t: T) -> None:
    b = t.load()
    sync()
    key = ct.c_uint(t.pid)
    t.equal((b[b"entered"][key].value, b[b"left"][key].value), (1, 0))


def refused(t: T, action: object, number: int) -> None:
    try:
        action()
    except OSError as why:
        t.equal(why.errno, number, "errno")
        return
    raise Missing("the program's return value does not count")


@row("§9 lsm__H", "attach/lsm.c", "lsm__", "lsm")
def lsm(t: T) -> None:
    b = t.load(PID=t.pid)
    refused(t, lambda: os.setpriority(os.PRIO_PROCESS, 0, 7), errno.EACCES)
    b.cleanup()
    os.setpriority(os.PRIO_PROCESS, 0, 7)


@row("§9 kmod_ret__F", "attach/kmod_ret.c", "kmod_ret__", "fentry")
def kmod_ret(t: T) -> None:
    b = t.load(PID=t.pid)
    with open("/dev/null") as f:
        refused(t, lambda: fcntl.ioctl(f, 0x1234), errno.ENOTTY)
        b.attach_fmod_ret(b"security_file_ioctl")
        refused(t, lambda: fcntl.ioctl(f, 0x1234), 88)


def iterate(t: T) -> set[int]:
    from bcc import BPF, BPFAttachType, lib

    b = t.load()
    fn = b.load_func(b"bpf_iter__task", BPF.TRACING, attach_type=BPFAttachType.TRACE_ITER)
    link = lib.bcc_iter_attach(fn.fd, None, 0)
    t.true(link >= 0, "the iterator cannot be attached")
    fd = lib.bcc_iter_create(link)
    t.true(fd >= 0, "the iterator cannot be created")
    data = b""
    while chunk := os.read(fd, 65536):
        data += chunk
    return {pid for (pid,) in struct.iter_unpack("I", data)}


@row("§9 bpf_iter__T", "attach/bpf_iter.c", "bpf_iter__", "fentry")
def bpf_iter(t: T) -> None:
    t.true({1, t.pid} <= iterate(t), "this process is not among the tasks")


@row("§9 syscall__X", "attach/syscall_prefix.c", "lower:syscall", "kprobe")
def syscall_prefix(t: T) -> None:
    b = t.load()
    b.attach_kprobe(event=b.get_syscall_fnname(b"getcwd"), fn_name=b"syscall__getcwd")
    kernel.libc.syscall(79, ct.create_string_buffer(2345), 2345)
    t.equal(b[b"lengths"][ct.c_uint(t.pid)].value, 2345)


@row("§9 kprobe____x64_sys_X", "attach/x64_syscall.c", "lower:syscall", "kprobe")
def x64_syscall(t: T) -> None:
    b = t.load()
    kernel.libc.syscall(79, ct.create_string_buffer(3456), 3456)
    t.equal(b[b"lengths"][ct.c_uint(t.pid)].value, 3456)


@row("§9 other names are attached by the user", "attach/other.c", "attach:raw_tracepoint")
def other_name(t: T) -> None:
    b = t.load(PID=t.pid)
    os.getppid()
    t.equal(t.out(b, 0), 0, "runs before attaching")
    b.attach_raw_tracepoint(tp=b"sys_enter", fn_name=b"any_name")
    os.getppid()
    t.true(t.out(b, 0) > 0, "not attached")


# ---------------------------------------------------------------------------------------------


@row("§10 TRACEPOINT_PROBE", "macros/tracepoint_probe.c", "define:TRACEPOINT_PROBE")
def tracepoint_probe(t: T) -> None:
    last = t.load(PID=t.pid)[b"last"]
    os.close(os.dup2(0, 93))
    t.equal(last[ct.c_uint(t.pid)].value, 93)


@row("§10 RAW_TRACEPOINT_PROBE", "macros/raw_tracepoint_probe.c", "define:RAW_TRACEPOINT_PROBE")
def raw_tracepoint_probe(t: T) -> None:
    b = t.load(PID=t.pid)
    os.getppid()
    t.equal(b[b"calls"][ct.c_uint(110)].value, 1)


@row("§10 BPF_PROG", "macros/bpf_prog.c", "define:BPF_PROG")
def bpf_prog(t: T) -> None:
    b = t.load()
    t.equal(t.raw(b, "prog", 1 << 60, -2, 3 << 40, 0x1FF, 5), 12)
    want = [1 << 60, -2, 3 << 40, -1, 5, 1 << 60]
    t.equal([s64(v) for v in t.out(b, *range(6))], want, "arguments")
    t.equal(t.raw(b, "without"), 13)


@row("§10 KFUNC_PROBE", "macros/kfunc_probe.c", "define:KFUNC_PROBE", "fentry")
def kfunc_probe(t: T) -> None:
    b = t.load()
    inode, _ = sync()
    t.equal(b[b"seen"][ct.c_uint(t.pid)].value, inode + 1)


@row("§10 KRETFUNC_PROBE", "macros/kretfunc_probe.c", "define:KRETFUNC_PROBE", "fentry")
def kretfunc_probe(t: T) -> None:
    b = t.load()
    inode, result = sync()
    t.equal(b[b"seen"][ct.c_uint(t.pid)].value, inode + 1000000 + result)


def veth() -> None:
    kernel.own_network()
    subprocess.run(["modprobe", "veth"], check=True)
    for command in (
        "link add name va type veth peer name vb",
        "addr add 10.9.9.1/24 dev va",
        "link set va up",
        "link set vb up",
        "neigh add 10.9.9.2 lladdr 02:00:00:00:00:02 dev va",
    ):
        subprocess.run(["ip", *command.split()], check=True)


def send_one(size: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(bytes(size), ("10.9.9.2", 9))


@row("§10 MODULE_KFUNC_PROBE", "macros/module_kfunc_probe.c", "define:MODULE_KFUNC_PROBE",
     "fentry modules")  # fmt: skip
def module_kfunc(t: T) -> None:
    veth()
    b = t.load()
    send_one(500)
    t.true(b[b"seen"][ct.c_uint(1)].value >= 500 + 42, "the packet was not seen")


@row("§10 MODULE_KRETFUNC_PROBE", "macros/module_kretfunc_probe.c",
     "define:MODULE_KRETFUNC_PROBE", "fentry modules")  # fmt: skip
def module_kretfunc(t: T) -> None:
    veth()
    b = t.load()
    send_one(500)
    packets = b[b"seen"][ct.c_uint(2)].value
    t.true(packets >= 1, "the packet was not seen")
    t.equal(b[b"seen"][ct.c_uint(1)].value, 1500 * packets, "mtu")


@row("§10 KMOD_RET", "macros/kmod_ret.c", "define:KMOD_RET", "fentry")
def kmod_ret_macro(t: T) -> None:
    b = t.load(PID=t.pid)
    b.attach_fmod_ret(b"kmod_ret__security_file_ioctl")
    with open("/dev/null") as f:
        refused(t, lambda: fcntl.ioctl(f, 0x1234, 77), 77)


@row("§10 LSM_PROBE", "macros/lsm_probe.c", "define:LSM_PROBE", "lsm")
def lsm_probe(t: T) -> None:
    t.load(PID=t.pid)
    os.setpriority(os.PRIO_PROCESS, 0, 6)
    refused(t, lambda: os.setpriority(os.PRIO_PROCESS, 0, 7), errno.EACCES)


@row("§10 BPF_ITER", "macros/bpf_iter.c", "define:BPF_ITER", "fentry")
def bpf_iter_macro(t: T) -> None:
    t.true({1, t.pid} <= iterate(t), "this process is not among the tasks")


# ---------------------------------------------------------------------------------------------


@row("§11 arguments from registers", "arguments/registers.c", "lower:arguments")
def registers(t: T) -> None:
    b = t.load()
    # The sixth argument after ctx would be a seventh register, so the function gets six in all.
    t.probe(b, "prog", 1 << 50, -2 & (1 << 64) - 1, 3 << 40, 0x54321, -5 & (1 << 64) - 1, 6)
    want = [1 << 50, -2, 3 << 40, 0x4321, -5, 6]
    t.equal([s64(v) for v in t.out(b, *range(6))], want, "arguments")


@row("§11 an unused parameter costs nothing", "arguments/unused.c", "lower:arguments")
def unused(t: T) -> None:
    b = t.load()
    t.probe(b, "prog", 1, 22)
    t.equal(t.out(b, 0), 22)


def user_registers(*args: int) -> ct.Array[ct.c_char]:
    """A struct pt_regs in this process's memory, as a system call's function gets one."""
    r10, r9, r8, dx, si, di = args[3], args[5], args[4], args[2], args[1], args[0]
    words = [0, 0, 0, 0, 0, 0, 0, r10, r9, r8, 0, 0, dx, si, di, 0, 0, 0, 0, 0, 0]
    mask = (1 << 64) - 1
    return ct.create_string_buffer(struct.pack("21Q", *(w & mask for w in words)))


@row("§11 syscall__ arguments through pt_regs", "arguments/syscall.c", "lower:syscall")
def syscall_arguments(t: T) -> None:
    b = t.load()
    regs = user_registers(11, 12, 13, 14, 15, 16)
    t.probe(b, "syscall__six", ct.addressof(regs))
    t.equal(t.out(b, *range(6)), [11, 12, 13, 14, 15, 16], "arguments")


@row("§11 narrow syscall arguments", "arguments/narrow.c", "lower:syscall")
def narrow_arguments(t: T) -> None:
    b = t.load()
    regs = user_registers(-3, 0x1C8, -300, 4000000000, 0, 0)
    t.probe(b, "syscall__narrow", ct.addressof(regs))
    t.equal(t.out(b, 0, 1, 2, 3), [-3, 0xC8, -300, 4000000000], "arguments")


@row("§11 return probes", "arguments/kretprobe.c", "define:PT_REGS_RC")
def return_probe(t: T) -> None:
    b = t.load()
    t.probe(b, "prog", -1234 & (1 << 64) - 1, on_return=True)
    t.equal(t.out(b, 0), 1234, "|-1234| returned")


@row("§11 user probes", "arguments/uprobe.c", "lower:arguments")
def user_probe(t: T) -> None:
    b = t.load()
    point = ct.create_string_buffer(struct.pack("ii", 30, 4))
    t.probe(b, "prog", ct.addressof(point), 3)
    t.equal(t.out(b, 0), 42)


@row("§11 array declarators", "arguments/array.c", "lower:arguments")
def array_parameters(t: T) -> None:
    b = t.load()
    numbers, name = (ct.c_int * 3)(40, 7, 2), ct.create_string_buffer(b"abc")
    t.probe(b, "prog", ct.addressof(numbers), ct.addressof(name))
    t.equal(t.out(b, 0, 1), [42, ord("b")])


@row("§11 functions that a macro defines", "arguments/in_macro.c", "lower:arguments")
def arguments_in_macro(t: T) -> None:
    b, task = t.load(), t.current()
    t.probe(b, "first", task, 5)
    t.probe(b, "second", task, 6)
    t.equal(t.out(b, 0, 1), [t.pid + 5, t.pid + 6])


