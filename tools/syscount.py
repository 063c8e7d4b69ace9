#!/usr/bin/python3
"""syscount: count system calls, and the time spent in them."""

from __future__ import annotations

import argparse
import errno
import sys

from bcc import tool

EXAMPLES = """examples:
    ./syscount                 # every syscall, until Ctrl-C
    ./syscount -i 1            # a summary each second
    ./syscount -T 20           # the top 20
    ./syscount -x              # only those that failed
    ./syscount -e ENOENT       # only those that failed with ENOENT
    ./syscount -L              # with latencies
    ./syscount -P              # by process
    ./syscount -p 181          # only process 181
    ./syscount -c 181          # only children of process 181
    ./syscount --syscall open  # only this syscall
    ./syscount --exec ls /tmp  # only this command
    ./syscount -l              # print all recognized syscalls and exit
    ./syscount --json -i 1     # an object a line, for programs"""

TEXT = r"""
#include <linux/sched.h>

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
    u32 tid;
    u32 ppid;
    int error;
    u32 syscall;
};
BPF_ARRAY(options, struct options, 1);

struct total {
    u64 count;
    u64 ns;
};
/* By syscall, or with -P by process. */
BPF_HASH(totals, u32, struct total);

#ifdef LATENCY
BPF_HASH(start, u64, u64);
#endif

static int unwanted(struct options *o, u64 id, long syscall)
{
#ifdef FILTER_PID
    if (id >> 32 != o->pid)
        return 1;
#endif
#ifdef FILTER_TID
    if ((u32)id != o->tid)
        return 1;
#endif
#ifdef FILTER_PPID
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    if (task->real_parent->tgid != o->ppid)
        return 1;
#endif
#ifdef FILTER_SYSCALL
    if (syscall != o->syscall)
        return 1;
#endif
    return 0;
}

#ifdef LATENCY
int enter(struct tracepoint__raw_syscalls__sys_enter *args)
{
    int zero = 0;
    u64 id = bpf_get_current_pid_tgid();
    struct options *o = options.lookup(&zero);
    if (!o || unwanted(o, id, args->id))
        return 0;
    u64 now = bpf_ktime_get_ns();
    start.update(&id, &now);
    return 0;
}

/* The call by which a thread ends does not return. */
int ended(struct tracepoint__sched__sched_process_exit *args)
{
    u64 id = bpf_get_current_pid_tgid();
    start.delete(&id);
    return 0;
}
#endif

int leave(struct tracepoint__raw_syscalls__sys_exit *args)
{
    int zero = 0;
    u64 id = bpf_get_current_pid_tgid();
    struct options *o = options.lookup(&zero);
    if (!o || unwanted(o, id, args->id))
        return 0;
#ifdef FILTER_FAILED
    if (args->ret >= 0)
        return 0;
#endif
#ifdef FILTER_ERRNO
    if (args->ret != -(long)o->error)
        return 0;
#endif
#ifdef BY_PROCESS
    u32 key = id >> 32;
#else
    u32 key = args->id;
#endif
    u64 ns = 0;
#ifdef LATENCY
    u64 *since = start.lookup(&id);
    if (!since)
        return 0;
    ns = bpf_ktime_get_ns() - *since;
    start.delete(&id);
#endif
    struct total nothing = {};
    struct total *t = totals.lookup_or_try_init(&key, &nothing);
    if (t) {
        lock_xadd(&t->count, 1);
        lock_xadd(&t->ns, ns);
    }
    return 0;
}
"""
NO_SYSCALL = 0xFFFFFFFF
MAX_ERRNO = 4095  # of linux/err.h


def error_number(text):
    """A number, or a name such as ENOENT."""
    number = int(text) if text.isdecimal() else getattr(errno, text, None)
    if not isinstance(number, int) or number > MAX_ERRNO:
        raise argparse.ArgumentTypeError(f"couldn't map {text} to an errno")
    return number


def options():
    p = tool.parser("Summarize syscall counts and latencies.", EXAMPLES)
    add = p.add_argument
    add("-p", "--pid", type=tool.pid, help="trace only this pid")
    add("-t", "--tid", type=tool.pid, help="trace only this tid")
    add("-c", "--ppid", type=tool.pid, help="trace only child of this pid")
    add("-i", "--interval", type=tool.nonzero, help="print summary at this interval (seconds)")
    add("-d", "--duration", type=tool.nonzero, help="total duration of trace, in seconds")
    add("-T", "--top", type=tool.whole, default=10, help="print only the top syscalls by count or latency")
    add("-x", "--failures", action="store_true", help="trace only failed syscalls (return < 0)")
    add("-e", "--errno", type=error_number, help="trace only syscalls that return this error")
    add("-L", "--latency", action="store_true", help="collect syscall latency")
    add("-m", "--milliseconds", action="store_true", help="display latency in milliseconds")
    add("-P", "--process", action="store_true", help="count by process and not by syscall")
    add("-l", "--list", action="store_true", help="print list of recognized syscalls and exit")
    add("--syscall", help="trace this syscall only")
    add("--exec", nargs=argparse.REMAINDER, dest="command", metavar="CMD",
        help="run this command and trace it only")  # fmt: skip
    tool.add_json(p)
    args = p.parse_args()
    if args.duration and not args.interval:
        args.interval = args.duration
    args.interval = args.interval or tool.FOREVER
    return args


def print_list():
    from bcc.syscall import syscalls

    names = sorted(f"{tool.text_of(name):<22}" for name in syscalls.values())
    for at in range(0, len(names), 4):
        print("   ".join(names[at : at + 4]))
    sys.exit(0)


def syscall_number(name):
    from bcc.syscall import syscalls

    for number, known in syscalls.items():
        if tool.text_of(known) == name:
            return number
    tool.fail(f"Error: syscall '{name}' not found. Exiting.")


def filter_of(args):
    """The switch of the one filter by task that counts."""
    if args.pid is not None:
        return ["-DFILTER_PID"]
    if args.tid is not None:
        return ["-DFILTER_TID"]
    return ["-DFILTER_PPID"] if args.ppid is not None else []


def comm_of(pid):
    try:
        with open(f"/proc/{pid}/comm", "rb") as comm:
            return tool.text_of(comm.read().removesuffix(b"\n"))
    except OSError:
        return "[unknown]"


def totals_of(args, totals):
    """(key, count, ns), the greatest first."""
    rows = [(k.value, t.count, t.ns) for k, t in totals.items()]
    rows.sort(key=lambda row: row[2] if args.latency else row[1], reverse=True)
    return [row for row in rows[: args.top] if row[0] != NO_SYSCALL]


def print_report(args, totals):
    from bcc.syscall import syscall_name

    def what(key):
        return f"{key:<6d} {comm_of(key):<15}" if args.process else tool.text_of(syscall_name(key))

    if args.json:
        for key, count, ns in totals_of(args, totals):
            who = {"pid": key, "comm": comm_of(key)} if args.process else {"syscall": what(key)}
            times = {"ns": ns} if args.latency else {}
            tool.print_json({"time": tool.clock(), **who, "count": count, **times})
        return
    print(f"[{tool.clock()}]")
    title = "PID    COMM" if args.process else "SYSCALL"
    unit, divisor, digits = ("ms", 1e6, 6) if args.milliseconds else ("us", 1e3, 3)
    last = f" {f'TIME ({unit})':>16}" if args.latency else ""
    print(f"{title:<22} {'COUNT':>8}{last}")
    for key, count, ns in totals_of(args, totals):
        last = f" {ns / divisor:>16.{digits}f}" if args.latency else ""
        print(tool.one_line(f"{what(key):<22} {count:>8d}{last}"))
    print("", flush=True)


def start_command(args):
    """Starts the command of --exec, held back until `cmd_ready`; its pid becomes the filter."""
    from bcc.exec import run_cmd

    if not args.command:
        tool.fail("ERROR: --exec without command. Exiting.")
    if args.pid is not None:
        tool.fail("ERROR: can only use -p or --exec. Exiting.")
    args.pid = run_cmd(args.command)


def print_reports(args, b):
    """Reports until Ctrl-C, the end of -d or that of the command of --exec."""
    from bcc.exec import cmd_exited, cmd_ready

    cmd_ready()
    count = -(-args.duration // args.interval) if args.duration else tool.FOREVER
    totals = b[b"totals"].gains()
    for _last in tool.intervals(args.interval, count):
        print_report(args, totals)
        if cmd_exited():
            return


def main():
    args = options()
    if args.list:
        print_list()
    number = syscall_number(args.syscall) if args.syscall else 0
    tool.show_ebpf(args, TEXT)
    if args.command is not None:
        start_command(args)
    flags = tool.switches({
        "FILTER_SYSCALL": args.syscall is not None,
        "FILTER_FAILED": args.failures,
        "FILTER_ERRNO": args.errno is not None,
        "LATENCY": args.latency,
        "BY_PROCESS": args.process,
    })
    b = tool.load(TEXT, filter_of(args) + flags)
    tool.set_options(
        b, "options", pid=args.pid or 0, tid=args.tid or 0, ppid=args.ppid or 0,
        error=args.errno or 0, syscall=number,
    )  # fmt: skip
    hooks = {"raw_syscalls:sys_exit": "leave"}
    if args.latency:
        hooks |= {"raw_syscalls:sys_enter": "enter", "sched:sched_process_exit": "ended"}
    tool.attach_tracepoints(b, hooks)
    if not args.json:
        failed = "failed " if args.failures or args.errno is not None else ""
        what = f"syscall '{args.syscall}'" if args.syscall else f"syscalls, printing top {args.top}"
        tool.print_start(f"Tracing {failed}{what}... Ctrl+C to quit.")
    print_reports(args, b)
    if not args.json:
        print("Detaching...")


if __name__ == "__main__":
    tool.run(main)
