#!/usr/bin/python3
"""runqlat: run queue latency as a histogram.

The time from a task's wake-up, or its being switched out while still runnable, until it runs.
"""

from __future__ import annotations

import sys

from bcc import tool

EXAMPLES = """examples:
    ./runqlat            # summarize run queue latency as a histogram
    ./runqlat 1 10       # print 1 second summaries, 10 times
    ./runqlat -mT 1      # 1 s summaries, milliseconds, and timestamps
    ./runqlat -P         # a histogram for each process
    ./runqlat -L         # a histogram for each thread
    ./runqlat --pidnss   # a histogram for each PID namespace
    ./runqlat -p 185     # only process 185
    ./runqlat --json 1   # an object a line, for programs"""

TEXT = r"""
#include <linux/sched.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>

#ifdef MILLISECONDS
#define UNIT 1000000
#else
#define UNIT 1000
#endif

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
};
BPF_ARRAY(options, struct options, 1);

/* When a thread became runnable. */
BPF_HASH(start, u32, u64, 65536);

#if defined(PER_PROCESS) || defined(PER_THREAD) || defined(PER_NAMESPACE)
struct slot_key {
    u64 group;
    u64 slot;
};
BPF_HISTOGRAM(dist, struct slot_key, 65536);
#else
BPF_HISTOGRAM(dist);
#endif

static void runnable(u32 tgid, u32 tid)
{
    if (tid == 0)
        return;
#ifdef FILTER_PID
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || o->pid != tgid)
        return;
#endif
    u64 now = bpf_ktime_get_ns();
    start.update(&tid, &now);
}

int wakeup(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *p = (struct task_struct *)ctx->args[0];
    runnable(p->tgid, p->pid);
    return 0;
}

int wakeup_new(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *p = (struct task_struct *)ctx->args[0];
    runnable(p->tgid, p->pid);
    return 0;
}

int switched(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *prev = (struct task_struct *)ctx->args[1];
    struct task_struct *next = (struct task_struct *)ctx->args[2];
#ifdef HAVE__STATE
    long state = prev->__state;
#else
    long state = prev->state;
#endif
    if (state == TASK_RUNNING)
        runnable(prev->tgid, prev->pid);

    u32 tid = next->pid;
    u64 *since = start.lookup(&tid);
    if (!since)
        return 0;
    s64 delta = bpf_ktime_get_ns() - *since;
    start.delete(&tid);
    if (delta < 0)
        return 0;
    u64 slot = bpf_log2l((u64)delta / UNIT);
#if defined(PER_PROCESS) || defined(PER_THREAD) || defined(PER_NAMESPACE)
    struct slot_key key = {};
    key.slot = slot;
#if defined(PER_THREAD)
    key.group = tid;
#elif defined(PER_PROCESS)
    key.group = next->tgid;
#else
    key.group = prev->nsproxy->pid_ns_for_children->ns.inum;
#endif
    dist.atomic_increment(key);
#else
    dist.atomic_increment(slot);
#endif
    return 0;
}
"""


def options():
    p = tool.parser("Summarize run queue (scheduler) latency as a histogram", EXAMPLES)
    add = p.add_argument
    add("-T", "--timestamp", action="store_true", help="time of day before each report")
    add("-m", "--milliseconds", action="store_true", help="millisecond histogram")
    add("-P", "--pids", action="store_true", help="print a histogram per process ID")
    add("--pidnss", action="store_true", help="print a histogram per PID namespace")
    add("-L", "--tids", action="store_true", help="print a histogram per thread ID")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    tool.add_interval(p)
    tool.add_json(p)
    return p.parse_args()


def grouping(args):
    """The switch for the C, and what a group is called; (None, None) for one histogram."""
    if args.tids:
        return "PER_THREAD", "tid"
    if args.pids:
        return "PER_PROCESS", "pid"
    if args.pidnss:
        return "PER_NAMESPACE", "pidns"
    return None, None


def print_json(dist, label, section):
    for record in tool.histogram_records(dist, label, section):
        tool.print_json(record)


def main():
    args = options()
    tool.show_ebpf(args, TEXT)

    from bcc import BPF

    switch, section = grouping(args)
    b = tool.load(TEXT, tool.switches({
        switch: switch is not None,
        "MILLISECONDS": args.milliseconds,
        "FILTER_PID": args.pid is not None,
        # Since v5.14 (2f064a59a11f) the member is __state.
        "HAVE__STATE": BPF.kernel_struct_has_field(b"task_struct", b"__state") == 1,
    }))
    tool.set_options(b, "options", pid=args.pid or 0)
    for event, function in (
        ("sched_switch", "switched"),
        ("sched_wakeup", "wakeup"),
        ("sched_wakeup_new", "wakeup_new"),
    ):
        b.attach_raw_tracepoint(tp=event.encode(), fn_name=function.encode())
    if not args.json:
        tool.print_start("Tracing run queue latency... Hit Ctrl-C to end.")
    label = "msecs" if args.milliseconds else "usecs"
    dist = b[b"dist"].gains()
    for _last in tool.intervals(args.interval, args.count):
        if args.json:
            print_json(dist, label, section)
        else:
            print()
            if args.timestamp:
                print(f"{tool.clock():<8}")
            dist.print_log2_hist(label, section or "", section_print_fn=int)
            sys.stdout.flush()


if __name__ == "__main__":
    tool.run(main)
