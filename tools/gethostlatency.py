#!/usr/bin/python3
"""gethostlatency: print each lookup of a host's name with the time it took.

Probes getaddrinfo(), gethostbyname() and gethostbyname2() of the C library.
"""

from __future__ import annotations

from bcc import tool

EXAMPLES = """examples:
    ./gethostlatency         # lookups of all processes
    ./gethostlatency -p 181  # only process 181
    ./gethostlatency --json  # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
};
BPF_ARRAY(options, struct options, 1);

struct call {
    u64 since;
    char host[80];
};
BPF_HASH(calls, u32, struct call);

struct event {
    u32 pid;
    u32 tid;
    u64 delta;
    char comm[TASK_COMM_LEN];
    char host[80];
};
BPF_PERF_OUTPUT(events);

int enter(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    u32 tid = id;
#ifdef FILTER_PID
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || o->pid != id >> 32)
        return 0;
#endif
    if (!PT_REGS_PARM1(ctx))
        return 0;
    struct call call = {};
    bpf_probe_read_user_str(call.host, sizeof(call.host), (void *)PT_REGS_PARM1(ctx));
    call.since = bpf_ktime_get_ns();
    calls.update(&tid, &call);
    return 0;
}

int leave(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    u32 tid = id;
    u64 now = bpf_ktime_get_ns();
    struct call *call = calls.lookup(&tid);
    if (!call)
        return 0;
    struct event e = {};
    e.pid = id >> 32;
    e.tid = tid;
    e.delta = now - call->since;
    bpf_get_current_comm(e.comm, sizeof(e.comm));
    bpf_probe_read_kernel(e.host, sizeof(e.host), call->host);
    calls.delete(&tid);
    events.perf_submit(ctx, &e, sizeof(e));
    return 0;
}
"""

FUNCTIONS = (b"getaddrinfo", b"gethostbyname", b"gethostbyname2")


def options():
    p = tool.parser("Show time for getaddrinfo/gethostbyname[2] calls", EXAMPLES)
    p.add_argument("-p", "--pid", type=lambda text: tool.pid(text, -1), default=-1, help="trace this PID only")
    tool.add_json(p)
    return p.parse_args()


def main():
    args = options()
    tool.show_ebpf(args, TEXT)
    b = tool.load(TEXT, ["-DFILTER_PID"] if args.pid >= 0 else [])
    tool.set_options(b, "options", pid=max(args.pid, 0))
    for function in FUNCTIONS:
        b.attach_uretprobe(name=b"c", sym=function, fn_name=b"leave", pid=args.pid)
        b.attach_uprobe(name=b"c", sym=function, fn_name=b"enter", pid=args.pid)

    def print_event(cpu, data, size):
        event = b[b"events"].event(data)
        comm, host = tool.text_of(event.comm), tool.text_of(event.host)
        if args.json:
            tool.print_json({
                "time": tool.clock(), "pid": event.pid, "tid": event.tid, "comm": comm,
                "ms": event.delta / 1e6, "host": host,
            })  # fmt: skip
            return
        tool.print_row(
            f"{tool.clock():<9} {event.pid:<7d} {comm:<16} {event.delta / 1e6:>10.2f} {host}"
        )

    b[b"events"].open_perf_buffer(print_event)
    if not args.json:
        tool.print_start(f"{'TIME':<9} {'PID':<7} {'COMM':<16} {'LATms':>10} HOST")
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
