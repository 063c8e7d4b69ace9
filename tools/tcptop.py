#!/usr/bin/python3
"""tcptop: bytes sent and received over TCP by process and connection, a screen at a time."""

from __future__ import annotations

import argparse
import sys

from bcc import tool

EXAMPLES = """examples:
    ./tcptop                      # a screen each second
    ./tcptop -C                   # without clearing the screen
    ./tcptop -S                   # without the line of load averages
    ./tcptop 5 3                  # 3 screens, one each 5 seconds
    ./tcptop -p 181               # only process 181
    ./tcptop -4                   # only IPv4
    ./tcptop -6                   # only IPv6
    ./tcptop --cgroupmap mappath  # only cgroups in this BPF map
    ./tcptop --mntnsmap mappath   # only mount namespaces in this map
    ./tcptop --json               # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>
#include <net/sock.h>

#define AF_INET_FAMILY 2
#define AF_INET6_FAMILY 10

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
};
BPF_ARRAY(options, struct options, 1);

struct flow {
    u8 laddr[16];
    u8 raddr[16];
    u32 pid;
    u32 family;
    u16 lport;
    u16 rport;
    u32 pad;
    char comm[TASK_COMM_LEN];
};
struct bytes {
    u64 sent;
    u64 received;
};
BPF_HASH(flows, struct flow, struct bytes);

static int unwanted(u32 pid)
{
#ifdef FILTER_PID
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || o->pid != pid)
        return 1;
#endif
#ifdef FILTER_CONTAINER
    if (container_should_be_filtered())
        return 1;
#endif
    return 0;
}

static int count(struct sock *sk, u64 sent, u64 received)
{
    struct flow flow = {};
    struct bytes none = {};
    flow.pid = bpf_get_current_pid_tgid() >> 32;
    flow.family = sk->__sk_common.skc_family;
    if (unwanted(flow.pid))
        return 0;
    if (flow.family == AF_INET_FAMILY) {
#ifdef ONLY_6
        return 0;
#endif
        bpf_probe_read_kernel(flow.laddr, 4, &sk->__sk_common.skc_rcv_saddr);
        bpf_probe_read_kernel(flow.raddr, 4, &sk->__sk_common.skc_daddr);
    } else if (flow.family == AF_INET6_FAMILY) {
#ifdef ONLY_4
        return 0;
#endif
        bpf_probe_read_kernel(flow.laddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
        bpf_probe_read_kernel(flow.raddr, 16, &sk->__sk_common.skc_v6_daddr);
    } else {
        return 0;
    }
    u16 rport = sk->__sk_common.skc_dport;
    flow.rport = bpf_ntohs(rport);
    flow.lport = sk->__sk_common.skc_num;
    bpf_get_current_comm(flow.comm, sizeof(flow.comm));
    struct bytes *bytes = flows.lookup_or_try_init(&flow, &none);
    if (bytes) {
        lock_xadd(&bytes->sent, sent);
        lock_xadd(&bytes->received, received);
    }
    return 0;
}

#if defined(TRACEPOINTS)
int sent(struct tracepoint__sock__sock_send_length *args)
{
    if (args->protocol != IPPROTO_TCP || args->ret <= 0)
        return 0;
    return count((struct sock *)args->sk, args->ret, 0);
}

int received(struct tracepoint__sock__sock_recv_length *args)
{
    if (args->protocol != IPPROTO_TCP || args->ret <= 0)
        return 0;
    return count((struct sock *)args->sk, 0, args->ret);
}
#elif defined(FENTRY)
/* These attach as soon as the text is compiled; a filter lets nothing pass before it is set. */
KRETFUNC_PROBE(tcp_sendmsg, struct sock *sk, struct msghdr *msg, size_t size, int ret)
{
    return ret > 0 ? count(sk, ret, 0) : 0;
}

/* Up to v5.18 the function was told separately whether to wait. */
#ifdef TELLS_NONBLOCK
KRETFUNC_PROBE(tcp_recvmsg, struct sock *sk, struct msghdr *msg, size_t size, int nonblock,
               int flags, int *addr_len, int ret)
#else
KRETFUNC_PROBE(tcp_recvmsg, struct sock *sk, struct msghdr *msg, size_t size, int flags,
               int *addr_len, int ret)
#endif
{
    return ret > 0 ? count(sk, 0, ret) : 0;
}
#else
/* By thread: the socket of the call that it is in. */
BPF_HASH(calls, u32, u64);

int call_begins(struct pt_regs *ctx)
{
    u32 tid = bpf_get_current_pid_tgid();
    u64 sk = PT_REGS_PARM1(ctx);
    calls.update(&tid, &sk);
    return 0;
}

static int call_ends(int ret, int sends)
{
    u32 tid = bpf_get_current_pid_tgid();
    u64 *sk = calls.lookup(&tid);
    if (!sk)
        return 0;
    if (ret > 0)
        count((struct sock *)*sk, sends ? ret : 0, sends ? 0 : ret);
    calls.delete(&tid);
    return 0;
}

int sent(struct pt_regs *ctx)
{
    return call_ends(PT_REGS_RC(ctx), 1);
}

int received(struct pt_regs *ctx)
{
    return call_ends(PT_REGS_RC(ctx), 0);
}
#endif
"""
HOOKS = {"sock:sock_send_length": "sent", "sock:sock_recv_length": "received"}


def positive(text):
    """A number above zero; for `type=` of an option."""
    number = tool.integer(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"value must be stricly positive, got {number}")
    return number


def options():
    p = tool.parser("Summarize TCP send/recv throughput by host", EXAMPLES)
    add = p.add_argument
    add("-C", "--noclear", action="store_true", help="don't clear the screen")
    add("-S", "--nosummary", action="store_true", help="skip the line of load averages")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    tool.add_containers(p)
    tool.add_family(p)
    add("interval", nargs="?", default=1, type=positive, help="seconds per screen (1)")
    add("count", nargs="?", default=tool.FOREVER, type=positive, help="number of screens")
    tool.add_json(p)
    return p.parse_args()


def load(args, text, flags):
    """Compiles and attaches: tracepoints (since v6.3), then fexit, then kprobes."""
    from bcc import BPF

    if all(BPF.tracepoint_exists(*hook.split(":")) for hook in HOOKS):
        variants = [[*flags, "-DTRACEPOINTS"]]
    else:
        # The longer list of arguments first: where it is too long, the verifier knows.
        fentry = [[*flags, "-DFENTRY", "-DTELLS_NONBLOCK"], [*flags, "-DFENTRY"]]
        variants = [*fentry, flags]
    b, used = tool.load_first(text, variants)
    tool.set_options(b, "options", pid=args.pid or 0)
    if "-DTRACEPOINTS" in used:
        tool.attach_tracepoints(b, HOOKS)
    elif "-DFENTRY" not in used:
        for function, leave in ((b"tcp_sendmsg", b"sent"), (b"tcp_recvmsg", b"received")):
            b.attach_kretprobe(event=function, fn_name=leave)
            b.attach_kprobe(event=function, fn_name=b"call_begins")
    return b


def rows_of(flows):
    """What was carried since the last report, the most first."""
    rows = []
    for flow, carried in flows.items():
        ip, local = tool.address(flow.family, flow.laddr)
        rows.append({
            "pid": flow.pid, "comm": tool.text_of(flow.comm), "ip": ip,
            "laddr": local, "lport": flow.lport,
            "raddr": tool.address(flow.family, flow.raddr)[1], "rport": flow.rport,
            "rx_bytes": carried.received, "tx_bytes": carried.sent,
        })  # fmt: skip
    return sorted(rows, key=lambda row: -row["rx_bytes"] - row["tx_bytes"])


def print_table(rows, suffix, width):
    ends = f"{'LADDR' + suffix:<{width}} {'RADDR' + suffix:<{width}}"
    print(f"{'PID':<7} {'COMM':<12} {ends} {'RX_KB':>6} {'TX_KB':>6}")
    for r in rows:
        local, remote = f"{r['laddr']}:{r['lport']}", f"{r['raddr']}:{r['rport']}"
        print(tool.one_line(
            f"{r['pid']:<7d} {r['comm']:<12.12} {local:<{width}} {remote:<{width}} "
            f"{r['rx_bytes'] // 1024:>6d} {r['tx_bytes'] // 1024:>6d}"
        ))  # fmt: skip


def print_screen(args, rows):
    # A pipe has no screen to clear: its reports are set apart by an empty line.
    clear = sys.stdout.isatty() and not args.noclear
    print("\x1b[H\x1b[2J" if clear else "\n", end="")
    if not args.nosummary:
        with open("/proc/loadavg") as load:
            print(f"{tool.clock():<8} loadavg: {load.read()}")
    if four := [row for row in rows if row["ip"] == 4]:
        print_table(four, "", 21)
    if six := [row for row in rows if row["ip"] == 6]:
        print()
        print_table(six, "6", 32)
    sys.stdout.flush()


def main():
    args = options()
    before, cflags = tool.container_text(args)
    text = before + TEXT
    tool.show_ebpf(args, text)
    flags = tool.switches({
        "FILTER_PID": args.pid is not None, "ONLY_4": args.ipv4, "ONLY_6": args.ipv6,
    })  # fmt: skip
    b = load(args, text, cflags + flags)
    if not args.json:
        tool.print_start(f"Tracing... Output every {args.interval} secs. Hit Ctrl-C to end")
    flows = b[b"flows"].gains()
    for _last in tool.intervals(args.interval, args.count):
        rows = rows_of(flows)
        if not args.json:
            print_screen(args, rows)
            continue
        for row in rows:
            tool.print_json({"time": tool.clock(), **row})


if __name__ == "__main__":
    tool.run(main)
