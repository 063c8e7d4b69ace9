#!/usr/bin/python3
"""exitsnoop: print each process that ends, with its age and why it ended."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time

from bcc import tool

EXAMPLES = """examples:
    ./exitsnoop                # every process that ends
    ./exitsnoop -x             # only those that failed
    ./exitsnoop -t             # with a timestamp in local time
    ./exitsnoop --utc          # with a timestamp in UTC
    ./exitsnoop -p 181         # only process 181
    ./exitsnoop --label=exit   # label each row as 'exit'
    ./exitsnoop --per-thread   # every thread that ends
    ./exitsnoop --json         # an object a line, for programs"""

TEXT = r"""
#include <linux/sched.h>

/* Filled in before the probe is attached. */
struct options {
    u32 pid;
};
BPF_ARRAY(options, struct options, 1);

struct event {
    u64 start_time;
    u64 exit_time;
    u32 pid;
    u32 tid;
    u32 ppid;
    u32 code;
    char comm[TASK_COMM_LEN];
};
BPF_PERF_OUTPUT(events);

int process_exit(struct tracepoint__sched__sched_process_exit *args)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    u32 tid = bpf_get_current_pid_tgid();
#ifndef PER_THREAD
    if (pid != tid)
        return 0;
#endif
#ifdef FILTER_PID
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || pid != o->pid)
        return 0;
#endif
    u32 code = task->exit_code;
#ifdef FILTER_FAILED
    if (code == 0)
        return 0;
#endif
    struct event e = {};
    e.start_time = task->start_time;
    e.exit_time = bpf_ktime_get_ns();
    e.pid = pid;
    e.tid = tid;
    e.ppid = task->real_parent->tgid;
    e.code = code;
    bpf_get_current_comm(e.comm, sizeof(e.comm));
    events.perf_submit(args, &e, sizeof(e));
    return 0;
}
"""


def options():
    p = tool.parser("Trace all process termination (exit, fatal signal)", EXAMPLES)
    add = p.add_argument
    add("-t", "--timestamp", action="store_true", help="column of the time in the local zone")
    add("--utc", action="store_true", help="column of the time in UTC, implies -t")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("--label", help="label each row")
    add("-x", "--failed", action="store_true", help="trace only failures, exit code or signal")
    add("--per-thread", action="store_true", help="trace every thread's end")
    add("--timespec", action="store_true", help=argparse.SUPPRESS)
    tool.add_json(p)
    args = p.parse_args()
    args.timestamp |= args.utc
    return args


def signal_name(number):
    """A signal without its SIG, `unknown` for those with digits and those that have no name."""
    if number == signal.SIGPOLL:
        return "POLL"
    try:
        name = signal.Signals(number).name[3:]
    except ValueError:
        return "unknown"
    return name if name.isalpha() else "unknown"


def reason(code):
    """Why a process ended, from the kernel's exit code."""
    number, core, status = code & 0x7F, code & 0x80, code >> 8
    if not number:
        return f"code {status}" if status else "0"
    text = f"signal {number} ({signal_name(number)})"
    return text + ", core dumped " if core else text


def now(args):
    moment = time.time()
    parts = time.gmtime(moment) if args.utc else time.localtime(moment)
    return f"{time.strftime('%H:%M:%S', parts)}.{int(moment * 1000) % 1000:03d}"


def header(args):
    zone = "UTC" if args.utc else time.strftime("%Z")
    pieces = [
        (args.timestamp, f"{'TIME-' + zone:<13}"),
        (args.label is not None, f"{'LABEL':<6}"),
        (True, f"{'PCOMM':<16} {'PID':<7} {'PPID':<7} {'TID':<7} {'AGE(s)':<7} {'EXIT_CODE':<10}"),
    ]
    return "".join(text for wanted, text in pieces if wanted)


def row(args, event, age):
    comm = tool.text_of(event.comm)
    pieces = [
        (args.timestamp, f"{now(args):<13}"),
        (args.label is not None, f"{args.label or 'exit':<6}"),
        (True, f"{comm:<16} {event.pid:<7d} {event.ppid:<7d} {event.tid:<7d} {age:<7.2f} "),
        (True, reason(event.code)),
    ]
    return "".join(text for wanted, text in pieces if wanted)


def show_ebpf(args):
    if args.ebpf:
        print(f"/* {sys.argv[0]} {time.ctime()}\n   ARGV = {sys.argv[1:]}\n   ARGS = {args}\n*/")
        tool.show_ebpf(args, TEXT)


def main():
    args = options()
    show_ebpf(args)
    if os.geteuid() != 0:
        tool.fail("Need sudo (CAP_SYS_ADMIN) for BPF() system call")
    b = tool.load(TEXT, tool.switches({
        "FILTER_PID": args.pid is not None, "FILTER_FAILED": args.failed,
        "PER_THREAD": args.per_thread,
    }))  # fmt: skip
    tool.set_options(b, "options", pid=args.pid or 0)
    b.attach_tracepoint(tp=b"sched:sched_process_exit", fn_name=b"process_exit")
    seen = False

    def print_event(cpu, data, size):
        nonlocal seen
        seen = True
        event = b[b"events"].event(data)
        age = (event.exit_time - event.start_time) / 1e9
        if args.json:
            number = event.code & 0x7F
            tool.print_json({
                "time": time.time(), "label": args.label, "comm": tool.text_of(event.comm),
                "pid": event.pid, "ppid": event.ppid, "tid": event.tid, "age": age,
                "code": event.code >> 8, "signal": number, "core": bool(event.code & 0x80),
            })  # fmt: skip
            return
        tool.print_row(row(args, event, age))

    b[b"events"].open_perf_buffer(print_event, page_cnt=64)
    if not args.json:
        tool.print_start(header(args))
    interrupted = tool.poll_events(b, lambda: args.pid is not None and seen)
    if interrupted and not args.json:
        print()


if __name__ == "__main__":
    tool.run(main)
