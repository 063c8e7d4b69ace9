"""§13 builtins, §14 tracepoint structs, §15 packets, §16 registers, §17 helpers."""

from __future__ import annotations

import ctypes as ct
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import kernel
from harness import PROBED, PROGRAMS, Missing, T, row

MASK = (1 << 64) - 1


def printed(t: T, module: object, trigger: object, text: bytes) -> bytes:
    """The line of the trace pipe that holds a text."""
    found: list[bytes] = []

    def step() -> None:
        line = module.trace_readline(nonblocking=True)
        if line and text in line:
            found.append(line)

    module.trace_open(nonblocking=True)
    trigger()
    t.until(lambda: found, step)
    return found[0]


@row("§13 bpf_trace_printk", "builtins/trace_printk.c", "define:bpf_trace_printk")
def trace_printk(t: T) -> None:
    b = t.load()
    line = printed(t, b, lambda: t.raw(b, "prog", t.pid), b"dialect %d " % t.pid)
    t.true(line.endswith(b"dialect %d stack 10000000000" % t.pid), f"line is {line!r}")
    printed(t, b, lambda: t.raw(b, "plain"), b"dialect alone")
    t.equal(t.output(), "", "warnings")


@row("§13 builtins in macros", "builtins/printk_in_macro.c", "define:bpf_trace_printk")
def printk_in_macro(t: T) -> None:
    b = t.load()
    printed(t, b, lambda: t.raw(b, "prog", t.pid), b"dialect: macro %d" % t.pid)


@row("§13 bpf_num_cpus", "builtins/num_cpus.c", "define:bpf_num_cpus")
def num_cpus(t: T) -> None:
    t.equal(t.raw(t.load(), "prog"), os.sysconf("SC_NPROCESSORS_ONLN"))


def fold(data: bytes) -> int:
    """The Internet checksum."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp_frame(sport: int = 1000, dport: int = 53, payload: bytes = b"question") -> bytes:
    """An Ethernet frame with IPv4 and UDP, all checksums right."""
    source, target = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    length = 8 + len(payload)
    udp = struct.pack(">HHHH", sport, dport, length, 0) + payload
    crc = fold(source + target + struct.pack(">BBH", 0, 17, length) + udp)
    udp = udp[:6] + struct.pack(">H", crc) + udp[8:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0x10, 20 + length, 0x1234, 0x4000, 64, 17, 0)
    ip += source + target
    ip = ip[:10] + struct.pack(">H", fold(ip)) + ip[12:]
    return bytes.fromhex("020000000002" "020000000001" "0800") + ip + udp


def right_checksums(frame: bytes) -> bool:
    """Whether a UDP frame's checksums fit its contents."""
    ip, udp = frame[14:34], frame[34:]
    pseudo = ip[12:20] + struct.pack(">BBH", 0, 17, len(udp))
    return fold(ip) == 0 and fold(pseudo + udp) == 0


def checksum(t: T) -> None:
    b = t.load()
    frame = udp_frame()
    t.true(right_checksums(frame), "the test's own frame is wrong")
    result, out = t.packet(b, "prog", frame)
    t.equal(result, 5)
    t.equal(out[30:34], bytes([10, 0, 0, 0x99]), "destination")
    t.equal(struct.unpack_from(">H", out, 36)[0], 99, "port")
    t.true(right_checksums(out), f"checksums are off in {out.hex()}")


@row("§13 incr_cksum_l3", "builtins/cksum.c", "define:incr_cksum_l3")
def cksum_l3(t: T) -> None:
    checksum(t)


@row("§13 incr_cksum_l4", "builtins/cksum.c", "define:incr_cksum_l4")
def cksum_l4(t: T) -> None:
    checksum(t)


USDT_TARGET = r"""
#include <sys/sdt.h>
#include <stdio.h>
int main(void) {
    char text[] = "probe text";
    putchar('.'); fflush(stdout);
    for (;;) {
        long first = 0x1122334455667788; int second = -7;
        if (getchar() != '\n') return 0;
        DTRACE_PROBE3(dialect, event, first, second, text);
        putchar('.'); fflush(stdout);
    }
}
"""


def usdt(t: T) -> None:
    from bcc import USDT

    base = f"/tmp/dialect-usdt-{t.pid}"
    Path(base + ".c").write_text(USDT_TARGET)
    try:
        subprocess.run(["cc", "-g0", "-O1", "-o", base, base + ".c"], check=True)
        with subprocess.Popen([base], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as target:
            # It is not mapped before it has started.
            target.stdout.read(1)
            context = USDT(pid=target.pid)
            context.enable_probe(probe="event", fn_name="on_probe")
            b = t.load(bpf={"usdt_contexts": [context]})
            target.stdin.write(b"\n")
            target.stdin.flush()
            target.stdout.read(1)
            target.stdin.close()
        got = t.out(b, 0, 1, 2)
        t.equal(got, [0x1122334455667788, -7 & MASK, MASK], "arguments and a wrong size")
        t.equal(b[b"texts"][0].chars, b"probe text", "text")
    finally:
        for name in (base, base + ".c"):
            Path(name).unlink(missing_ok=True)


@row("§13 bpf_usdt_readarg", "builtins/usdt.c", "define:bcc_usdt_readarg")
def usdt_readarg(t: T) -> None:
    usdt(t)


@row("§13 bpf_usdt_readarg_p", "builtins/usdt.c", "define:bcc_usdt_readarg_p")
def usdt_readarg_p(t: T) -> None:
    usdt(t)


def log2(t: T) -> None:
    b = t.load()
    for v in (0, 1, 2, 3, 4, 7, 8, 1000, 65535, 65536, (1 << 32) - 1):
        t.raw(b, "prog", v)
        slot = max(v.bit_length(), 1)
        t.equal(t.out(b, 0, 1), [max(v.bit_length() - 1, 0), slot], f"log2 of {v}")
    for v in (1 << 32, 1 << 40, MASK):
        t.raw(b, "prog", v)
        t.equal(t.out(b, 1), v.bit_length(), f"bpf_log2l of {v}")


@row("§13 bpf_log2", "builtins/log2.c", "define:bpf_log2")
def log2_(t: T) -> None:
    log2(t)


@row("§13 bpf_log2l", "builtins/log2.c", "define:bpf_log2l")
def log2l(t: T) -> None:
    log2(t)


def byte_order(t: T) -> None:
    b = t.load()
    v = 0x1122334455667788
    t.raw(b, "prog", v)
    half, word = 0x8877, 0x88776655
    swapped = int.from_bytes(v.to_bytes(8, "little"), "big")
    one = 1 << 56
    got = t.out(b, *range(10))
    want = [half, half, word, word, swapped, swapped, one, swapped, one, half + word]
    t.equal([hex(g) for g in got], [hex(w) for w in want], "swapped values")


for _name in ("ntohs", "htons", "ntohl", "htonl", "ntohll", "htonll", "ntoh128", "hton128"):
    row(f"§13 bpf_{_name}", "builtins/byte_order.c", f"define:bpf_{_name}")(byte_order)


@row("§13 lock_xadd", "builtins/lock_xadd.c", "define:lock_xadd")
def lock_xadd(t: T) -> None:
    b = t.load()
    t.raw(b, "prog")
    t.raw(b, "prog")
    t.equal(t.out(b, 0), 14)


def mask(t: T) -> None:
    b = t.load()
    t.raw(b, "prog", 12)
    t.equal(t.out(b, *range(5)), [0xFFF, MASK >> 1, MASK, (1 << 36) - 1, MASK], "masks")


@row("§13 MASK", "builtins/mask.c", "define:MASK")
def mask64(t: T) -> None:
    mask(t)


@row("§13 MASK128", "builtins/mask.c", "define:MASK128")
def mask128(t: T) -> None:
    mask(t)


def loads(t: T) -> None:
    b = t.load()
    t.packet(b, "prog", bytes(range(64)))
    want = [0x14, 0x1415, 0x14151617, 0x1415161718191A1B]
    t.equal(t.out(b, 0, 1, 2, 3), want, "loads")


for _name in ("byte", "half", "word", "dword"):
    row(f"§13 load_{_name}", "builtins/load.c", f"define:load_{_name}")(loads)


def stores(t: T) -> None:
    _, out = t.packet(t.load(), "prog", bytes(64))
    t.equal(out[20:36].hex(), "88007788" "55667788" "1122334455667788", "stored bytes")


for _name in ("byte", "half", "word", "dword"):
    row(f"§13 bpf_store_{_name}", "builtins/store.c", f"define:bpf_store_{_name}")(stores)


@row("§13 cursor_advance", "builtins/cursor.c", "define:cursor_advance")
def cursor(t: T) -> None:
    b = t.load()
    t.packet(b, "prog", bytes(64))
    t.equal(t.out(b, 0, 1, 2), [0, 14, 34], "offsets")


def executed(t: T, load: object) -> tuple[object, int]:
    """A child that waits until its exec is watched, and then executes /bin/true."""
    r, w = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(w)
        os.read(r, 1)
        os.execv("/bin/true", ["true"])
    os.close(r)
    try:
        b = load(child)
    finally:
        os.close(w)
        os.waitpid(child, 0)
    return b, child


def data_loc(t: T) -> None:
    b, _ = executed(t, lambda child: t.load(CHILD=child))
    texts = b[b"texts"]
    t.equal([texts[ct.c_uint(k)].chars for k in (0, 1)], [b"/bin/true", b"/bin"])


@row("§13 TP_DATA_LOC_READ_STR", "builtins/data_loc.c", "define:TP_DATA_LOC_READ_STR")
def data_loc_str(t: T) -> None:
    data_loc(t)


@row("§13 TP_DATA_LOC_READ_CONST", "builtins/data_loc.c", "define:TP_DATA_LOC_READ_CONST")
def data_loc_const(t: T) -> None:
    data_loc(t)


@row("§13 TP_DATA_LOC_READ", "builtins/data_loc_length.c", "define:TP_DATA_LOC_READ")
def data_loc_length(t: T) -> None:
    b, _ = executed(t, lambda child: t.load(CHILD=child))
    t.equal(b[b"texts"][0].chars, b"/bin/true")


# ---------------------------------------------------------------------------------------------


@row("§14 fields of the format file", "tracepoints/fields.c", "tracepoint:struct")
def fields(t: T) -> None:
    out = t.load(PID=t.pid)[b"out"]
    with open("/etc/passwd", "rb", buffering=0) as f:
        os.lseek(f.fileno(), 321, os.SEEK_SET)
        fd = f.fileno()
    t.equal([out[ct.c_uint(k)].value for k in range(4)], [8, fd, 321, 40], "fields and size")


@row("§14 arrays of symbolic size", "tracepoints/arrays.c", "tracepoint:struct")
def arrays(t: T) -> None:
    b = t.load(PID=t.pid)
    Path(f"/proc/self/task/{t.pid}/comm").write_text("renamed-task")
    t.equal(b[b"names"][ct.c_uint(0)].text, b"renamed-task")
    t.equal(b[b"out"][ct.c_uint(0)].value, t.pid)
    t.equal(b[b"out"][ct.c_uint(1)].value, int(Path("/proc/self/oom_score_adj").read_text()))


@row("§14 data_loc and padding", "tracepoints/padding.c", "tracepoint:data_loc")
def padding(t: T) -> None:
    b, child = executed(t, lambda child: t.load(CHILD=child))
    out = b[b"out"]
    got = [out[ct.c_uint(k)].value for k in range(4)]
    t.equal(got, [12, child, child, len("/bin/true") + 1], "offset, pids, length of the name")


@row("§14 any function with a tracepoint's struct", "tracepoints/by_name.c", "tracepoint:struct")
def by_name(t: T) -> None:
    b = t.load(PID=t.pid)
    b.attach_tracepoint(tp=b"syscalls:sys_enter_dup", fn_name=b"anything")
    kernel.libc.close(kernel.libc.dup(2))
    t.equal(b[b"out"][ct.c_uint(t.pid)].value, 2)


@row("§14 several tracepoints in a text", "tracepoints/two_in_one.c", "tracepoint:struct")
def two_in_one(t: T) -> None:
    old = os.umask(0o27)
    b = t.load(PID=t.pid)
    os.umask(0o53)
    t.equal([b[b"out"][ct.c_uint(k)].value for k in (0, 1)], [0o53, 0o27], "mask and result")
    os.umask(old)


@row("§14 an unknown tracepoint", "tracepoints/unknown.c", "diag:hints")
def unknown_tracepoint(t: T) -> None:
    t.says(t.fails(), "main.c:3:", "tracepoint__syscalls__sys_enter_no_such_call", "hint:")


# ---------------------------------------------------------------------------------------------


@row("§15 reading header fields", "packet/read.c", "rewrite:packets")
def packet_read(t: T) -> None:
    b = t.load()
    frame = udp_frame()
    t.packet(b, "prog", frame)
    ip_sum, crc = struct.unpack_from(">H", frame, 24)[0], struct.unpack_from(">H", frame, 40)[0]
    want = [
        0x020000000002, 0x020000000001, 0x800, 4, 5, 0x10, 36, 0x1234, 0, 1, 0, 0, 64, 17, ip_sum,
        0x0A000001, 0x0A000002, 1000, 53, 16, crc,
    ]  # fmt: skip
    t.equal([hex(v) for v in t.out(b, *range(21))], [hex(v) for v in want], "fields")


@row("§15 writing header fields", "packet/write.c", "rewrite:packets")
def packet_write(t: T) -> None:
    frame = udp_frame()
    _, out = t.packet(t.load(), "prog", frame)
    want = bytearray(frame)
    want[0:6], want[6:12] = frame[6:12], frame[0:6]
    want[14], want[22] = 0x46, 63
    want[20:22] = (0x155).to_bytes(2, "big")
    want[30:34] = frame[26:30]
    t.equal(out.hex(), bytes(want).hex(), "frame")


@row("§15 the header structs", "packet/headers.c", "define:BPF_PACKET_HEADER")
def headers(t: T) -> None:
    b = t.load()
    t.packet(b, "prog", bytes(60))
    want = [14, 4, 28, 20, 4, 40, 2, 4, 8, 20, 8, 8]
    got = t.out(b, *range(12))
    t.equal(got[:6] + got[8:], want[:6] + want[8:], "sizes")


@row("§15 TCP", "packet/tcp.c", "rewrite:packets")
def tcp(t: T) -> None:
    b = t.load()
    segment = struct.pack(">HHIIBBHHH", 443, 50000, 0x01020304, 0x05060708, 0x50, 0x12, 512, 77, 3)
    t.packet(b, "prog", udp_frame()[:34] + segment + bytes(20))
    want = [443, 50000, 0x01020304, 0x05060708, 5, 1, 1, 0, 512, 77, 3]
    t.equal(t.out(b, *range(11)), want, "fields")


@row("§15 headers of one's own", "packet/own_header.c", "rewrite:packets")
def own_header(t: T) -> None:
    frame = bytes(14) + bytes([5 << 5 | 17]) + struct.pack(">HI", 300, 7) + bytes(40)
    result, out = t.packet(t.load(), "prog", frame)
    t.equal((result, out[14]), (307, 5 << 5 | 18))


@row("§15 packet access in macros", "packet/in_macro.c", "rewrite:macros")
def packet_in_macro(t: T) -> None:
    t.equal(t.packet(t.load(), "prog", udp_frame())[0], 64)


@row("§15 what of a packet no macro can hold", "packet/assigned_macro.c",
     'message:cannot use "packet"')  # fmt: skip
def packet_assigned_macro(t: T) -> None:
    t.says(t.fails(), 'main.c:11:2: error: cannot use "packet" header type inside a macro')


@row("§15 packet access in a static helper", "packet/in_helper.c", "rewrite:packets")
def packet_in_helper(t: T) -> None:
    t.equal(t.packet(t.load(), "prog", udp_frame())[0], 64)


# ---------------------------------------------------------------------------------------------


def pt_regs(t: T) -> None:
    b = t.load()
    t.probe(b, "prog", 11, 12, 13, 14, 15, 16)
    got = t.out(b, *range(10))
    address = ct.cast(PROBED, ct.c_void_p).value
    t.equal(got[:7], [11, 12, 13, 14, 15, 16, address], "PARM1..6 and IP")
    t.true(got[7] == got[9] and got[7] > 0x7F0000000000, "SP and RET")
    t.probe(b, "at_return", 44, on_return=True)
    t.equal(t.out(b, 10), 44, "RC")


for _name in ("PARM1", "PARM2", "PARM3", "PARM4", "PARM5", "PARM6", "RC", "IP", "SP", "FP", "RET"):
    row(f"§16 PT_REGS_{_name}", "pt_regs/macros.c", f"define:PT_REGS_{_name}")(pt_regs)


@row("§16 PT_REGS_PARMn_SYSCALL", "pt_regs/syscall.c", "define:PT_REGS_PARM4_SYSCALL")
def pt_regs_syscall(t: T) -> None:
    from rows_programs import user_registers

    b = t.load()
    regs = user_registers(1, 2, 3, 4, 5, 6)
    t.probe(b, "prog", ct.addressof(regs))
    t.equal(t.out(b, *range(6)), [1, 2, 3, 4, 5, 6])


@row("§16 PT_REGS_SYSCALL_CTX", "pt_regs/syscall.c", "define:PT_REGS_SYSCALL_CTX")
def pt_regs_syscall_ctx(t: T) -> None:
    pt_regs_syscall(t)


def context_offset(code: bytes) -> int:
    """Offset of the one load from the context in a function's code."""
    loads = [struct.unpack_from("<BBh", code, i) for i in range(0, len(code), 8)]
    found = [off for op, regs, off in loads if op & 7 == 1 and op & 0x60 == 0x60]
    if len(found) != 1:
        raise Missing(f"{len(found)} loads in {code.hex()}")
    return found[0]


# parm1..6, rc, ip, sp: offsets of these registers in each architecture's struct pt_regs (or, on
# arm64, s390x and riscv64, of the part of it that user space may see).
LAYOUTS = {
    "x86_64": ("x86", [112, 104, 96, 88, 72, 64, 80, 128, 152]),
    "aarch64": ("arm64", [0, 8, 16, 24, 32, 40, 0, 256, 248]),
    "s390x": ("s390", [24 + 8 * 2, 48, 56, 64, 72, None, 40, 16, 24 + 8 * 15]),
    "ppc64le": ("powerpc", [24, 32, 40, 48, 56, 64, 24, 256, 8]),
    "riscv64": ("riscv", [80, 88, 96, 104, 112, 120, 80, 0, 16]),
    "loongarch64": ("loongarch", [32, 40, 48, 56, 64, 72, 32, 264, 24]),
}
REGISTERS = ["parm1", "parm2", "parm3", "parm4", "parm5", "parm6", "rc", "ip", "sp"]


def layout(t: T, machine: str) -> None:
    arch, offsets = LAYOUTS[machine]
    os.environ["ARCH"] = arch
    b = t.load()
    names = b.module.functions()
    for name, want in zip(REGISTERS, offsets, strict=True):
        if want is None:
            t.true(name.encode() not in names, f"{name} exists")
        else:
            t.equal(context_offset(b.dump_func(name.encode())), want, f"{machine} {name}")


for _machine in LAYOUTS:
    row(f"§16 registers of {_machine}", "pt_regs/offsets.c", "define:PT_REGS_PARM2", "native")(
        lambda t, machine=_machine: layout(t, machine)
    )


# ---------------------------------------------------------------------------------------------

HELPERS = PROGRAMS / "helpers" / "names.txt"


def helper_names() -> Iterator[str]:
    """Helpers of §17, by the kernel's names."""
    for line in HELPERS.read_text().splitlines():
        yield from line.split()


@row("§17 every helper has its number", "helpers/names.txt", "define:bpf_get_prandom_u32", "6.18")
def helper_ids(t: T) -> None:
    calls = "\n".join(
        f"\tif ((u64)bpf_{name} != BPF_FUNC_{name}) {{ put(n++ & 63, BPF_FUNC_{name}); }}"
        for name in helper_names()
    )
    text = f"""
BPF_ARRAY(out, u64, 64);
static void put(int at, u64 v) {{ out.update(&at, &v); }}
int prog(struct bpf_raw_tracepoint_args *ctx)
{{
	int n = 0;
{calls}
	return n;
}}"""
    b = t.load(text=text.encode())
    wrong = t.raw(b, "prog")
    t.equal(wrong, 0, f"helpers with a wrong number ({t.out(b, 0, 1)}), count")
    t.true(sum(1 for _ in helper_names()) > 180, "the list is short")


@row("§17 helpers do what they say", "helpers/use.c", "define:bpf_get_current_uid_gid")
def helper_use(t: T) -> None:
    b = t.load()
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    cpus = os.sched_getaffinity(0)
    t.raw(b, "prog")
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    got = t.out(b, *range(9))
    t.equal(got[0], t.pid << 32 | t.pid, "pid_tgid")
    t.equal(got[1], os.getgid() << 32 | os.getuid(), "uid_gid")
    t.true(before <= got[2] <= after, "ktime_get_ns")
    t.true(got[3] in cpus, "smp_processor_id")
    t.true(got[4] >= boot and got[5] > 0 and got[8] >> 32 == 0, "boot time, jiffies, random")
    comm = Path("/proc/self/comm").read_bytes().strip()
    t.equal(b[b"names"][ct.c_uint(0)].text, comm, "comm")
