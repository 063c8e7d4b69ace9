#!/usr/bin/python3
"""tcpstates: print each change of a TCP session's state, and how long it was in the old one."""

from __future__ import annotations

import time

from bcc import tool
from bcc.tcp import state2str

EXAMPLES = """examples:
    ./tcpstates           # every change of a TCP state
    ./tcpstates -t        # with seconds since the first row
    ./tcpstates -T        # with the time of day
    ./tcpstates -w        # wider columns, fits IPv6 addresses
    ./tcpstates -s        # comma separated values
    ./tcpstates -Y        # also to the systemd journal
    ./tcpstates -L 80     # only local port 80
    ./tcpstates -L 80,81  # only local ports 80 and 81
    ./tcpstates -D 80     # only remote port 80
    ./tcpstates -4        # only IPv4
    ./tcpstates -6        # only IPv6
    ./tcpstates --json    # an object a line, for programs"""

TEXT = r"""
#include <linux/tcp.h>
#include <net/sock.h>

#define AF_INET6_FAMILY 10

/* Ports asked for; the keys are what counts. */
BPF_HASH(local_ports, u16, u8, 1024);
BPF_HASH(remote_ports, u16, u8, 1024);

/* By socket: when its state changed last. */
BPF_HASH(changes, u64, u64);

struct event {
    u64 ts;
    u64 skaddr;
    u64 span_us;
    u32 pid;
    u32 family;
    u32 lport;
    u32 rport;
    int oldstate;
    int newstate;
    u8 laddr[16];
    u8 raddr[16];
    char comm[TASK_COMM_LEN];
};
BPF_PERF_OUTPUT(events);

int state_change(struct tracepoint__sock__inet_sock_set_state *args)
{
    if (args->protocol != IPPROTO_TCP)
        return 0;
    u64 sk = (u64)args->skaddr;
    u16 lport = args->sport;
    u16 rport = args->dport;
#ifdef FILTER_LPORT
    if (!local_ports.lookup(&lport)) {
        changes.delete(&sk);
        return 0;
    }
#endif
#ifdef FILTER_RPORT
    if (!remote_ports.lookup(&rport)) {
        changes.delete(&sk);
        return 0;
    }
#endif
    struct event e = {};
    e.ts = bpf_ktime_get_ns();
    u64 *last = changes.lookup(&sk);
    if (last)
        e.span_us = (e.ts - *last) / 1000;
    if (args->newstate == TCP_CLOSE) {
        changes.delete(&sk);
    } else {
        u64 now = e.ts;
        changes.update(&sk, &now);
    }
    e.skaddr = sk;
    e.pid = bpf_get_current_pid_tgid() >> 32;
    e.family = args->family;
    e.lport = lport;
    e.rport = rport;
    e.oldstate = args->oldstate;
    e.newstate = args->newstate;
    bpf_get_current_comm(e.comm, sizeof(e.comm));
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
    p = tool.parser("Trace TCP session state changes and durations", EXAMPLES)
    add = p.add_argument
    add("-T", "--time", action="store_true", help="time of day column (HH:MM:SS)")
    add("-t", "--timestamp", action="store_true", help="column of seconds since the first row")
    add("-w", "--wide", action="store_true", help="wide columns, fits IPv6 addresses")
    add("-s", "--csv", action="store_true", help="comma separated values")
    add("-L", "--localport", type=tool.ports, help="comma-separated list of local ports")
    add("-D", "--remoteport", type=tool.ports, help="comma-separated list of remote ports")
    add("-Y", "--journal", action="store_true", help="log to the systemd journal as well")
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
            "SKADDR,C-PID,C-COMM,IP,LADDR,LPORT,RADDR,RPORT,OLDSTATE,NEWSTATE,MS"
        )
    before = times(args, f"{'TIME':<8}", f"{'TIME(s)':<9}", " ")
    if args.wide:
        return before + (
            f"{'SKADDR':<16} {'C-PID':<5} {'C-COMM':<16} {'IP':<2} {'LADDR':<39} {'LPORT':<5} "
            f"{'RADDR':<39} {'RPORT':<5} {'OLDSTATE':<11} -> {'NEWSTATE':<11} MS"
        )
    return before + (
        f"{'SKADDR':<16} {'C-PID':<5} {'C-COMM':<10} {'LADDR':<15} {'LPORT':<5} "
        f"{'RADDR':<15} {'RPORT':<5} {'OLDSTATE':<11} -> {'NEWSTATE':<11} MS"
    )


def row(args, c, seconds):
    if args.csv:
        return times(args, tool.clock(), f"{seconds:.6f}", ",") + (
            f"{c['skaddr']},{c['pid']},{c['comm']},{c['ip']},{c['laddr']},{c['lport']},"
            f"{c['raddr']},{c['rport']},{c['oldstate']},{c['newstate']},{c['ms']:.3f}"
        )
    before = times(args, f"{tool.clock():<8}", f"{seconds:<9.6f}", " ")
    if args.wide:
        return before + (
            f"{c['skaddr']:<16} {c['pid']:<5d} {c['comm']:<16.16} {c['ip']:<2} {c['laddr']:<39} "
            f"{c['lport']:<5} {c['raddr']:<39} {c['rport']:<5d} {c['oldstate']:<11} -> "
            f"{c['newstate']:<11} {c['ms']:.3f}"
        )
    return before + (
        f"{c['skaddr']:<16} {c['pid']:<5d} {c['comm']:<10.10} {c['laddr']:<15} {c['lport']:<5d} "
        f"{c['raddr']:<15} {c['rport']:<5d} {c['oldstate']:<11} -> {c['newstate']:<11} {c['ms']:.3f}"
    )


def change_of(event):
    ip, local = tool.address(event.family, event.laddr)
    return {
        "skaddr": f"{event.skaddr:x}",
        "pid": event.pid,
        "comm": tool.text_of(event.comm),
        "ip": ip,
        "laddr": local,
        "lport": event.lport,
        "raddr": tool.address(event.family, event.raddr)[1],
        "rport": event.rport,
        "oldstate": state2str(event.oldstate),
        "newstate": state2str(event.newstate),
        "ms": event.span_us / 1000,
    }


def journal_fields(c, event):
    """What a change is called in the systemd journal."""
    prefix = f"OBJECT_IPV{c['ip']}_"
    fields = {
        "SYSLOG_IDENTIFIER": "tcpstates",
        "PRIORITY": 5,
        "_SOURCE_REALTIME_TIMESTAMP": time.time() * 1000000,
        "OBJECT_PID": str(c["pid"]),
        "OBJECT_COMM": c["comm"],
        prefix + "SOURCE_ADDRESS": c["laddr"],
        "OBJECT_TCP_SOURCE_PORT": str(c["lport"]),
        prefix + "DESTINATION_ADDRESS": c["raddr"],
        "OBJECT_TCP_DESTINATION_PORT": str(c["rport"]),
        "OBJECT_TCP_OLD_STATE": c["oldstate"],
        "OBJECT_TCP_NEW_STATE": c["newstate"],
        "OBJECT_TCP_SPAN_TIME": str(event.span_us),
    }
    message = (
        f"{c['comm']} {c['laddr']} {c['lport']} → {c['raddr']} {c['rport']} "
        f"{c['oldstate']} → {c['newstate']}"
    )
    return message, fields


def journal_of(args):
    """The journal's module, or the end of the tool."""
    if not args.journal:
        return None
    try:
        from systemd import journal
    except ImportError:
        tool.fail("ERROR: Journal logging requires the systemd.journal module")
    return journal


def main():
    args = options()
    journal = journal_of(args)
    tool.show_ebpf(args, TEXT)
    b = tool.load(TEXT, tool.switches({
        "FILTER_LPORT": args.localport,
        "FILTER_RPORT": args.remoteport,
        "ONLY_4": args.ipv4,
        "ONLY_6": args.ipv6,
    }))
    tool.add_keys(b, "local_ports", args.localport or [])
    tool.add_keys(b, "remote_ports", args.remoteport or [])
    tool.attach_tracepoints(b, {"sock:inet_sock_set_state": "state_change"})
    first = None

    def print_event(cpu, data, size):
        nonlocal first
        event = b[b"events"].event(data)
        first = event.ts if first is None else first
        change = change_of(event)
        if args.json:
            tool.print_json({"time": time.time(), **change})
        else:
            tool.print_row(row(args, change, (event.ts - first) / 1e9))
        if journal:
            message, fields = journal_fields(change, event)
            journal.send(message, **fields)

    b[b"events"].open_perf_buffer(print_event, page_cnt=64)
    if not args.json:
        tool.print_start(header(args))
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
