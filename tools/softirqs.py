#!/usr/bin/python3
"""softirqs: time spent in soft interrupts, as totals, counts or histograms."""

from __future__ import annotations

import sys

from bcc import tool

EXAMPLES = """examples:
    ./softirqs            # sum the time of each soft irq
    ./softirqs -d         # show its distribution as histograms
    ./softirqs 1 10       # print 1 second summaries, 10 times
    ./softirqs -NT 1      # 1 s summaries, nanoseconds, and timestamps
    ./softirqs -C         # count events instead
    ./softirqs -c 1       # only CPU 1
    ./softirqs --json 1   # an object a line, for programs"""

TEXT = r"""
#ifdef NANOSECONDS
#define UNIT 1
#else
#define UNIT 1000
#endif

/* Filled in before the probes are attached. */
struct options {
    u32 cpu;
};
BPF_ARRAY(options, struct options, 1);

/* Soft interrupts do not nest: one start for each CPU is enough. */
struct start {
    u64 ts;
    u64 vec;
};
BPF_PERCPU_ARRAY(starts, struct start, 1);

#ifdef DISTRIBUTION
struct slot_key {
    u64 group;
    u64 slot;
};
BPF_HISTOGRAM(dist, struct slot_key);
#else
BPF_HASH(totals, u32, u64);
#endif

static int unwanted(void)
{
#ifdef FILTER_CPU
    int zero = 0;
    struct options *o = options.lookup(&zero);
    return !o || bpf_get_smp_processor_id() != o->cpu;
#else
    return 0;
#endif
}

#ifdef COUNT
int enter(struct tracepoint__irq__softirq_entry *args)
{
    if (unwanted())
        return 0;
    u32 vec = args->vec;
    totals.atomic_increment(vec);
    return 0;
}
#else
int enter(struct tracepoint__irq__softirq_entry *args)
{
    int zero = 0;
    struct start *s = starts.lookup(&zero);
    if (!s || unwanted())
        return 0;
    s->vec = args->vec;
    s->ts = bpf_ktime_get_ns();
    return 0;
}

int leave(struct tracepoint__irq__softirq_exit *args)
{
    int zero = 0;
    struct start *s = starts.lookup(&zero);
    if (!s || s->ts == 0 || s->vec != args->vec)
        return 0;
    u64 delta = (bpf_ktime_get_ns() - s->ts);
    s->ts = 0;
#ifdef DISTRIBUTION
    struct slot_key key = {};
    key.group = args->vec;
    key.slot = bpf_log2l(delta / UNIT);
    dist.atomic_increment(key);
#else
    u32 vec = args->vec;
    totals.atomic_increment(vec, delta);
#endif
    return 0;
}
#endif
"""
# By number, as the kernel's softirq_to_name has them, in lower case.
NAMES = "hi timer net_tx net_rx block irq_poll tasklet sched hrtimer rcu".split()


def options():
    p = tool.parser("Summarize soft irq event time as histograms.", EXAMPLES)
    add = p.add_argument
    add("-T", "--timestamp", action="store_true", help="time of day before each report")
    add("-N", "--nanoseconds", action="store_true", help="output in nanoseconds")
    add("-C", "--events", action="store_true", help="show the number of soft irq events")
    add("-d", "--dist", action="store_true", help="show distributions as histograms")
    add("-c", "--cpu", type=tool.cpu, help="trace this CPU only")
    tool.add_interval(p)
    tool.add_json(p)
    args = p.parse_args()
    if args.events and (args.dist or args.nanoseconds):
        tool.fail("The --events option can't be used with time-based options")
    return args


def name_of(vec):
    return NAMES[vec] if vec < len(NAMES) else str(vec)


def unit_of(args):
    if args.events:
        return "count"
    return "nsecs" if args.nanoseconds else "usecs"


def totals_of(args, table):
    """(name, value), the greatest first."""
    divisor = 1 if args.events or args.nanoseconds else 1000
    rows = [(name_of(k.value), v.value // divisor) for k, v in table.items()]
    return sorted(rows, key=lambda row: row[1], reverse=True)


def print_json(args, table):
    if args.dist:
        for record in tool.histogram_records(table, unit_of(args), "softirq", name_of):
            tool.print_json(record)
        return
    for name, value in totals_of(args, table):
        tool.print_json({"time": tool.clock(), "softirq": name, unit_of(args): value})


def print_report(args, table):
    print()
    if args.timestamp:
        print(f"{tool.clock():<8}")
    if args.dist:
        table.print_log2_hist(unit_of(args), "softirq", section_print_fn=name_of)
    else:
        print(f"{'SOFTIRQ':<16} {'TOTAL_' + unit_of(args):>11}")
        for name, value in totals_of(args, table):
            print(f"{name:<16} {value:>11d}")
    sys.stdout.flush()


def main():
    args = options()
    tool.show_ebpf(args, TEXT)
    b = tool.load(TEXT, tool.switches({
        "NANOSECONDS": args.nanoseconds,
        "COUNT": args.events,
        "DISTRIBUTION": args.dist,
        "FILTER_CPU": args.cpu is not None,
    }))
    tool.set_options(b, "options", cpu=args.cpu or 0)
    hooks = {"irq:softirq_entry": "enter"}
    if not args.events:
        hooks["irq:softirq_exit"] = "leave"
    tool.attach_tracepoints(b, hooks)
    if not args.json:
        what = "events" if args.events else "event time"
        tool.print_start(f"Tracing soft irq {what}... Hit Ctrl-C to end.")
    table = b[b"dist" if args.dist else b"totals"].gains()
    for _last in tool.intervals(args.interval, args.count):
        (print_json if args.json else print_report)(args, table)


if __name__ == "__main__":
    tool.run(main)
