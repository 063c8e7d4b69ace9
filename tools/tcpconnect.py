#!/usr/bin/python3
"""tcpconnect: print each TCP connection that a process begins.

A connection counts when its first packet goes out; whether it is refused later is not told.
"""

from __future__ import annotations

import struct
import time
from socket import AF_PACKET, SOCK_DGRAM, SOL_SOCKET, ntohs, socket

from bcc import tool

EXAMPLES = """examples:
    ./tcpconnect                      # every TCP connect()
    ./tcpconnect -t                   # with seconds since the first row
    ./tcpconnect -d                   # with the name that was looked up for it
    ./tcpconnect -p 181               # only process 181
    ./tcpconnect -P 80                # only port 80
    ./tcpconnect -P 80,81             # only ports 80 and 81
    ./tcpconnect -4                   # only IPv4
    ./tcpconnect -6                   # only IPv6
    ./tcpconnect -U                   # with the user's id
    ./tcpconnect -u 1000              # only user 1000
    ./tcpconnect -c                   # count by source and destination
    ./tcpconnect -L                   # with the local port
    ./tcpconnect --cgroupmap mappath  # only cgroups in this BPF map
    ./tcpconnect --mntnsmap mappath   # only mount namespaces in this map
    ./tcpconnect --json               # an object a line, for programs"""

TEXT = r"""
#include <net/sock.h>
#include <net/tcp_states.h>

#define AF_INET_FAMILY 2
#define AF_INET6_FAMILY 10

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
    u32 uid;
};
BPF_ARRAY(options, struct options, 1);
/* Ports asked for; the keys are what counts. */
BPF_HASH(ports, u16, u8, 1024);

struct flow {
    u8 saddr[16];
    u8 daddr[16];
    u32 family;
    u32 dport;
};
struct event {
    struct flow flow;
    u64 ts;
    u32 pid;
    u32 uid;
    u32 lport;
    u32 pad;
    char comm[TASK_COMM_LEN];
};
#ifdef COUNT
BPF_HASH(flows, struct flow, u64);
#else
BPF_PERF_OUTPUT(events);
#endif
#ifdef WITH_LPORT
/* Connections whose local port is not chosen yet, by socket, and the socket of a thread. */
BPF_HASH(begun, u64, struct event);
BPF_TABLE("lru_hash", u32, u64, sockets, 10240);
#endif

static int unwanted_task(u32 pid, u32 uid)
{
#if defined(FILTER_PID) || defined(FILTER_UID)
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o)
        return 1;
#endif
#ifdef FILTER_PID
    if (o->pid != pid)
        return 1;
#endif
#ifdef FILTER_UID
    if (o->uid != uid)
        return 1;
#endif
#ifdef FILTER_CONTAINER
    if (container_should_be_filtered())
        return 1;
#endif
    return 0;
}

/* Family and ends of a connection; 1 when it is not asked for. */
static int read_flow(struct tracepoint__sock__inet_sock_set_state *args, struct flow *flow)
{
    u16 dport = args->dport;
#ifdef FILTER_PORT
    if (!ports.lookup(&dport))
        return 1;
#endif
    flow->dport = dport;
    flow->family = args->family;
    /* An IPv6 socket may carry an IPv4 connection, to ::ffff:a.b.c.d. */
    u32 start[3];
    __builtin_memcpy(start, args->daddr_v6, sizeof(start));
    if (start[0] == 0 && start[1] == 0 && start[2] == bpf_htonl(0xffff))
        flow->family = AF_INET_FAMILY;
    if (flow->family == AF_INET_FAMILY) {
#ifdef ONLY_6
        return 1;
#endif
        bpf_probe_read_kernel(flow->saddr, sizeof(args->saddr), args->saddr);
        bpf_probe_read_kernel(flow->daddr, sizeof(args->daddr), args->daddr);
    } else {
#ifdef ONLY_4
        return 1;
#endif
        bpf_probe_read_kernel(flow->saddr, sizeof(flow->saddr), args->saddr_v6);
        bpf_probe_read_kernel(flow->daddr, sizeof(flow->daddr), args->daddr_v6);
    }
    return 0;
}

#ifdef WITH_LPORT
/* Tells of a connection as soon as its port is known; without one it was never begun. */
static int complete(void *ctx, u64 sk, u16 lport)
{
    struct event *e = begun.lookup(&sk);
    if (!e)
        return 0;
    e->lport = lport;
    if (lport)
        events.perf_submit(ctx, e, sizeof(*e));
    begun.delete(&sk);
    return 0;
}

/* A connect() that does not wait returns before the other side answers. */
int connect_returned(void *ctx)
{
    u32 tid = bpf_get_current_pid_tgid();
    u64 *sk = sockets.lookup(&tid);
    if (!sk)
        return 0;
    u16 lport = 0;
    bpf_probe_read_kernel(&lport, sizeof(lport), &((struct sock *)*sk)->__sk_common.skc_num);
    complete(ctx, *sk, lport);
    sockets.delete(&tid);
    return 0;
}
#endif

int state_change(struct tracepoint__sock__inet_sock_set_state *args)
{
    if (args->protocol != IPPROTO_TCP)
        return 0;
#ifdef WITH_LPORT
    if (args->oldstate == TCP_SYN_SENT)
        return complete(args, (u64)args->skaddr, args->sport);
#endif
    /* Set in the connecting task, when the ends are known and the packet is about to go out. */
    if (args->newstate != TCP_SYN_SENT)
        return 0;
    struct event e = {};
    e.pid = bpf_get_current_pid_tgid() >> 32;
    e.uid = bpf_get_current_uid_gid();
    if (unwanted_task(e.pid, e.uid) || read_flow(args, &e.flow))
        return 0;
#ifdef COUNT
    flows.atomic_increment(e.flow);
#else
    e.ts = bpf_ktime_get_ns();
    bpf_get_current_comm(e.comm, sizeof(e.comm));
#ifdef WITH_LPORT
    u64 sk = (u64)args->skaddr;
    u32 tid = bpf_get_current_pid_tgid();
    begun.update(&sk, &e);
    sockets.update(&tid, &sk);
#else
    events.perf_submit(args, &e, sizeof(e));
#endif
#endif
    return 0;
}

#ifdef DNS
/* Of a socket's packets, each from its IP header on: those that name servers sent. */
int dns_response(struct __sk_buff *skb)
{
    u8 first = load_byte(skb, 0);
    u32 udp;
    if (first >> 4 == 4 && load_byte(skb, 9) == IPPROTO_UDP)
        udp = (first & 15) * 4;
    else if (first >> 4 == 6 && load_byte(skb, 6) == IPPROTO_UDP)
        udp = 40;
    else
        return 0;
    return load_half(skb, udp) == 53 ? -1 : 0;
}
#endif
"""
# Of asm-generic/socket.h and linux/if_packet.h.
SO_TIMESTAMPNS, SO_ATTACH_BPF = 35, 50
ETH_P_ALL, PACKET_OUTGOING = 3, 4


def options():
    p = tool.parser("Trace TCP connects", EXAMPLES)
    add = p.add_argument
    add("-t", "--timestamp", action="store_true", help="column of seconds since the first row")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("-P", "--port", type=tool.ports, help="comma-separated list of destination ports")
    tool.add_family(p)
    add("-L", "--lport", action="store_true", help="local port column")
    add("-U", "--print-uid", action="store_true", help="UID column")
    add("-u", "--uid", type=tool.uid, help="trace this UID only")
    add("-c", "--count", action="store_true", help="count connects per source and destination")
    tool.add_containers(p)
    add("-d", "--dns", action="store_true", help="column of the name that was looked up")
    tool.add_json(p)
    args = p.parse_args()
    if args.count and args.dns:
        tool.fail("Error: you may not specify -d/--dns with -c/--count.")
    return args


def cflags_for(args):
    return tool.switches({
        "FILTER_PID": args.pid is not None,
        "FILTER_UID": args.uid is not None,
        "FILTER_PORT": args.port,
        "ONLY_4": args.ipv4,
        "ONLY_6": args.ipv6,
        "COUNT": args.count,
        "WITH_LPORT": args.lport and not args.count,
        "DNS": args.dns,
    })  # fmt: skip


class Names:
    """What addresses were looked up as, from the answers of name servers.

    A packet socket sees those of its own network namespace.
    """

    def __init__(self, b):
        try:
            from cachetools import TTLCache
            from dnslib import QTYPE, DNSRecord
        except ImportError:
            tool.fail(
                "Error: The python packages dnslib and cachetools are required to use the "
                "-d/--dns option.\nInstall this package with:\n\t$ pip3 install dnslib cachetools\n"
                "   or\n\t$ sudo apt-get install python3-dnslib python3-cachetools "
                "(on Ubuntu 18.04+)"
            )
        self.parse, self.types = DNSRecord.parse, (QTYPE.A, QTYPE.AAAA)
        self.known = TTLCache(maxsize=10240, ttl=24 * 60 * 60)
        program = b.load_func(b"dns_response", b.SOCKET_FILTER)
        self.socket = socket(AF_PACKET, SOCK_DGRAM, ntohs(ETH_P_ALL))
        self.socket.setsockopt(SOL_SOCKET, SO_ATTACH_BPF, program.fd)
        self.socket.setsockopt(SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)

    def read(self):
        """Takes in what has been answered up to now."""
        while True:
            try:
                packet, extra, _, (_, _, kind, *_) = self.socket.recvmsg(65535, 64)
            except BlockingIOError:
                return
            if kind != PACKET_OUTGOING:
                seconds, nanoseconds = struct.unpack("qq", extra[0][2])
                self._learn(packet, seconds + nanoseconds / 1e9)

    def _learn(self, packet, when):
        udp = (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else 40
        try:
            answer = self.parse(packet[udp + 8 :])
        except Exception:
            return  # whatever else comes from that port
        if len(answer.questions) == 1:
            for record in answer.rr:
                if record.rtype in self.types:
                    name = str(answer.questions[0].qname).rstrip(".")
                    self.known[str(record.rdata)] = (name, when)

    def query(self, address, ts):
        """The name of an address connected to at `ts`, the kernel's nanoseconds."""
        self.read()
        if address not in self.known:
            return "localhost" if address in ("127.0.0.1", "::1") else "No DNS Query"
        name, answered = self.known[address]
        connected = time.time() - time.monotonic() + ts / 1e9
        delay = (connected - answered) * 1000
        return f"{name} ({delay:.3f}ms)" if delay > 100 else name


def ends(flow):
    """Version of IP, local and remote address."""
    ip, local = tool.address(flow.family, flow.saddr)
    return ip, local, tool.address(flow.family, flow.daddr)[1]


def header(args):
    pieces = [
        (args.timestamp, f"{'TIME(s)':<9}"),
        (args.print_uid, f"{'UID':<6}"),
        (True, f"{'PID':<7} {'COMM':<12} {'IP':<2} {'SADDR':<16} "),
        (args.lport, f"{'LPORT':<6} "),
        (True, f"{'DADDR':<16} {'DPORT':<6}"),
        (args.dns, " QUERY"),
    ]
    return "".join(text for wanted, text in pieces if wanted)


def row(args, c, seconds):
    pieces = [
        (args.timestamp, f"{seconds:<9.3f}"),
        (args.print_uid, f"{c['uid']:<6d}"),
        (True, f"{c['pid']:<7d} {c['comm']:<12.12} {c['ip']:<2d} {c['saddr']:<16} "),
        (args.lport, f"{c.get('lport', 0):<6d} "),
        (True, f"{c['daddr']:<16} {c['dport']:<6d} {c.get('query', '')}"),
    ]
    return "".join(text for wanted, text in pieces if wanted)


def print_events(args, b):
    names = Names(b) if args.dns else None
    first = None

    def print_event(cpu, data, size):
        nonlocal first
        event = b[b"events"].event(data)
        first = event.ts if first is None else first
        ip, local, remote = ends(event.flow)
        connect = {
            "pid": event.pid, "comm": tool.text_of(event.comm), "uid": event.uid, "ip": ip,
            "saddr": local, "daddr": remote, "dport": event.flow.dport,
        }  # fmt: skip
        if args.lport:
            connect["lport"] = event.lport
        if names:
            connect["query"] = names.query(remote, event.ts)
        if args.json:
            tool.print_json({"time": time.time(), **connect})
        else:
            tool.print_row(row(args, connect, (event.ts - first) / 1e9))

    def step():
        b.perf_buffer_poll(500 if names else -1)
        if names:
            names.read()

    b[b"events"].open_perf_buffer(print_event, page_cnt=64)
    attach(args, b)
    if not args.json:
        tool.print_row("Tracing connect ... Hit Ctrl-C to end")
        tool.print_start(header(args))
    tool.poll(step)
    b.perf_buffer_consume()


def print_counts(args, b):
    attach(args, b)
    if not args.json:
        tool.print_start("Tracing connect ... Hit Ctrl-C to end")
    for _last in tool.intervals(tool.FOREVER, 1):
        pass
    if not args.json:
        print(f"\n{'LADDR':<25} {'RADDR':<25} {'RPORT':<20} {'CONNECTS':<10}")
    flows = [(*ends(flow), flow.dport, count.value) for flow, count in b[b"flows"].items()]
    for ip, local, remote, port, count in sorted(flows, key=lambda flow: (flow[0], -flow[-1])):
        if args.json:
            tool.print_json({
                "ip": ip, "laddr": local, "raddr": remote, "rport": port, "connects": count,
            })  # fmt: skip
        else:
            print(f"{local:<25} {remote:<25} {port:<20} {count:<10d}")


def attach(args, b):
    hooks = {"sock:inet_sock_set_state": "state_change"}
    if args.lport and not args.count:
        hooks["syscalls:sys_exit_connect"] = "connect_returned"
    if len(tool.attach_tracepoints(b, hooks)) != len(hooks):
        tool.fail("tcpconnect: this kernel lacks one of the tracepoints " + ", ".join(hooks))


def main():
    args = options()
    before, cflags = tool.container_text(args)
    text = before + TEXT
    tool.show_ebpf(args, text)
    b = tool.load(text, cflags + cflags_for(args))
    tool.set_options(b, "options", pid=args.pid or 0, uid=args.uid or 0)
    tool.add_keys(b, "ports", args.port or [])
    if args.count:
        print_counts(args, b)
    else:
        print_events(args, b)


if __name__ == "__main__":
    tool.run(main)
