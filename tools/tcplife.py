#!/usr/bin/python3
"""tcplife: print each TCP session with its life span and the bytes it carried."""

from __future__ import annotations

import time

from bcc import tool

EXAMPLES = """examples:
    ./tcplife           # every TCP connection that closes
    ./tcplife -T        # with the time of day
    ./tcplife -t        # with seconds since the first row
    ./tcplife -w        # wider columns, fits IPv6 addresses
    ./tcplife -s        # comma separated values
    ./tcplife -p 181    # only process 181
    ./tcplife -L 80     # only local port 80
    ./tcplife -L 80,81  # only local ports 80 and 81
    ./tcplife -D 80     # only remote port 80
    ./tcplife -4        # only IPv4
    ./tcplife -6        # only IPv6
    ./tcplife --json    # an object a line, for programs"""

TEXT = r"""
#include <linux/tcp.h>
#include <net/sock.h>

#define AF_INET6_FAMILY 10

/* Filled in before the probe is attached. */
struct options {
    u32 pid;
};
BPF_ARRAY(options, struct options, 1);
/* Ports asked for; the keys are what counts. */
BPF_HASH(local_ports, u16, u8, 1024);
BPF_HASH(remote_ports, u16, u8, 1024);

struct owner {
    u32 pid;
    char comm[TASK_COMM_LEN];
};
/* By socket: when it was last in an early state, and whose it is. */
BPF_HASH(births, u64, u64);
BPF_HASH(owners, u64, struct owner);

struct event {
    u64 ts;
    u64 span_us;
    u64 rx;
    u64 tx;
    u32 pid;
    u32 family;
    u32 lport;
    u32 rport;
    u8 laddr[16];
    u8 raddr[16];
    char comm[TASK_COMM_LEN];
};
BPF_PERF_OUTPUT(events);

static int wrong_ports(u16 lport, u16 rport)
{
#ifdef FILTER_LPORT
    if (!local_ports.lookup(&lport))
        return 1;
#endif
#ifdef FILTER_RPORT
    if (!remote_ports.lookup(&rport))
        return 1;
#endif
    return 0;
}

static int wrong_pid(u32 pid)
{
#ifdef FILTER_PID
    int zero = 0;
    struct options *o = options.lookup(&zero);
    return !o || o->pid != pid;
#else
    return 0;
#endif
}

int state_change(struct tracepoint__sock__inet_sock_set_state *args)
{
    if (args->protocol != IPPROTO_TCP)
        return 0;
    u64 sk = (u64)args->skaddr;
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    u16 lport = args->sport;
    u16 rport = args->dport;

    if (args->newstate < TCP_FIN_WAIT1) {
        u64 now = bpf_ktime_get_ns();
        births.update(&sk, &now);
    }
    if (wrong_ports(lport, rport)) {
        births.delete(&sk);
        return 0;
    }
    if (args->newstate == TCP_SYN_SENT || args->newstate == TCP_LAST_ACK) {
        if (wrong_pid(pid))
            return 0;
        struct owner owner = {};
        owner.pid = pid;
        bpf_get_current_comm(owner.comm, sizeof(owner.comm));
        owners.update(&sk, &owner);
    }
    if (args->newstate != TCP_CLOSE)
        return 0;

    u64 *born = births.lookup(&sk);
    if (!born) {
        owners.delete(&sk);
        return 0;
    }
    struct event e = {};
    e.ts = bpf_ktime_get_ns();
    e.span_us = (e.ts - *born) / 1000;
    births.delete(&sk);
    struct owner *owner = owners.lookup(&sk);
    if (owner) {
        e.pid = owner->pid;
        __builtin_memcpy(e.comm, owner->comm, sizeof(e.comm));
        owners.delete(&sk);
    } else {
        if (wrong_pid(pid))
            return 0;
        e.pid = pid;
        bpf_get_current_comm(e.comm, sizeof(e.comm));
    }
    e.family = args->family;
    e.lport = lport;
    e.rport = rport;
    struct tcp_sock *tp = (struct tcp_sock *)sk;
    bpf_probe_read_kernel(&e.rx, sizeof(e.rx), &tp->bytes_received);
    bpf_probe_read_kernel(&e.tx, sizeof(e.tx), &tp->bytes_acked);
    if (e.family == AF_INET6_FAMILY) {
#ifdef ONLY_4
        return 0;
#endif
        __builtin_memcpy(e.laddr, args->saddr_v6, sizeof(e.laddr));
        __builtin_memcpy(e.raddr, args->daddr_v6, sizeof(e.raddr));
    } else {
#ifdef ONLY_6
        return 0;
#endif
        __builtin_memcpy(e.laddr, args->saddr, 4);
        __builtin_memcpy(e.raddr, args->daddr, 4);
    }
    events.perf_submit(args, &e, sizeof(e));
    return 0;
}
"""


def options():
    p = tool.parser("Trace the lifespan of TCP sessions and summarize", EXAMPLES)
    add = p.add_argument
    add("-T", "--time", action="store_true", help="time of day column (HH:MM:SS)")
    add("-t", "--timestamp", action="store_true", help="column of seconds since the first row")
    add("-w", "--wide", action="store_true", help="wide columns, fits IPv6 addresses")
    add("-s", "--csv", action="store_true", help="comma separated values")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("-L", "--localport", type=tool.ports, help="comma-separated list of local ports")
    add("-D", "--remoteport", type=tool.ports, help="comma-separated list of remote ports")
    tool.add_family(p)
    tool.add_json(p)
    return p.parse_args()


def times(args, clock, seconds, separator):
    """The columns in front; of a row, or of the header."""
    pieces = [(args.time, clock), (args.timestamp, seconds)]
    return "".join(text + separator for wanted, text in pieces if wanted)


def header(args):
    if args.csv:
        return times(args, "TIME", "TIME(s)", ",") + (
            "PID,COMM,IP,LADDR,LPORT,RADDR,RPORT,TX_KB,RX_KB,MS"
        )
    before = times(args, f"{'TIME':<8}", f"{'TIME(s)':<9}", " ")
    if args.wide:
        return before + (
            f"{'PID':<5} {'COMM':<16} {'IP':<2} {'LADDR':<39} {'LPORT':<5} {'RADDR':<39} "
            f"{'RPORT':<5} {'TX_KB':>6} {'RX_KB':>6} MS"
        )
    return before + (
        f"{'PID':<5} {'COMM':<10} {'LADDR':<15} {'LPORT':<5} {'RADDR':<15} {'RPORT':<5} "
        f"{'TX_KB':>5} {'RX_KB':>5} MS"
    )


def row(args, s, seconds):
    tx, rx = s["tx_bytes"] // 1024, s["rx_bytes"] // 1024
    if args.csv:
        return times(args, tool.clock(), f"{seconds:.6f}", ",") + (
            f"{s['pid']},{s['comm']},{s['ip']},{s['laddr']},{s['lport']},"
            f"{s['raddr']},{s['rport']},{tx},{rx},{s['ms']:.2f}"
        )
    before = times(args, f"{tool.clock():<8}", f"{seconds:<9.6f}", " ")
    if args.wide:
        return before + (
            f"{s['pid']:<5d} {s['comm']:<16.16} {s['ip']:<2} {s['laddr']:<39} {s['lport']:<5} "
            f"{s['raddr']:<39} {s['rport']:<5d} {tx:>6d} {rx:>6d} {s['ms']:.2f}"
        )
    return before + (
        f"{s['pid']:<5d} {s['comm']:<10.10} {s['laddr']:<15} {s['lport']:<5d} "
        f"{s['raddr']:<15} {s['rport']:<5d} {tx:>5d} {rx:>5d} {s['ms']:.2f}"
    )


def session_of(event):
    ip, local = tool.address(event.family, event.laddr)
    return {
        "pid": event.pid,
        "comm": tool.text_of(event.comm),
        "ip": ip,
        "laddr": local,
        "lport": event.lport,
        "raddr": tool.address(event.family, event.raddr)[1],
        "rport": event.rport,
        "tx_bytes": event.tx,
        "rx_bytes": event.rx,
        "ms": event.span_us / 1000,
    }


def main():
    args = options()
    tool.show_ebpf(args, TEXT)
    b = tool.load(TEXT, tool.switches({
        "FILTER_PID": args.pid is not None,
        "FILTER_LPORT": args.localport,
        "FILTER_RPORT": args.remoteport,
        "ONLY_4": args.ipv4,
        "ONLY_6": args.ipv6,
    }))
    tool.set_options(b, "options", pid=args.pid or 0)
    tool.add_keys(b, "local_ports", args.localport or [])
    tool.add_keys(b, "remote_ports", args.remoteport or [])
    tool.attach_tracepoints(b, {"sock:inet_sock_set_state": "state_change"})
    first = None

    def print_event(cpu, data, size):
        nonlocal first
        event = b[b"events"].event(data)
        first = event.ts if first is None else first
        session = session_of(event)
        if args.json:
            tool.print_json({"time": time.time(), **session})
        else:
            tool.print_row(row(args, session, (event.ts - first) / 1e9))

    b[b"events"].open_perf_buffer(print_event, page_cnt=64)
    if not args.json:
        tool.print_start(header(args))
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
