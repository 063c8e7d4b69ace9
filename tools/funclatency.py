#!/usr/bin/python3
"""funclatency: time functions and show their latency as a histogram.

The time from entry to return of kernel functions, or of functions of a program or library.
"""

from __future__ import annotations

import sys

from bcc import tool

EXAMPLES = """examples:
    ./funclatency do_sys_open       # time the kernel function do_sys_open
    ./funclatency c:read            # time read() of libc
    ./funclatency -u vfs_read       # in microseconds
    ./funclatency -m do_nanosleep   # in milliseconds
    ./funclatency -i 2 -d 10 c:open # every 2 seconds, for 10 seconds
    ./funclatency -mTi 5 vfs_read   # every 5 seconds, with timestamps
    ./funclatency -p 181 vfs_read   # only process 181
    ./funclatency 'vfs_fstat*'      # several functions in one histogram
    ./funclatency -F 'vfs_r*'       # a histogram for each function
    ./funclatency -F -l 5 fib       # recursive calls up to a depth of 5
    ./funclatency --json -u vfs_read  # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>

#if defined(MILLISECONDS)
#define UNIT 1000000
#elif defined(MICROSECONDS)
#define UNIT 1000
#else
#define UNIT 1
#endif
#ifndef LEVEL
#define LEVEL 1
#endif

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
};
BPF_ARRAY(options, struct options, 1);

/* The calls a thread is in, the innermost last. */
struct calls {
    u64 depth;
    u64 since[LEVEL];
    u64 address[LEVEL];
};
BPF_HASH(calls, u32, struct calls);

struct sum {
    u64 total;
    u64 count;
};
BPF_ARRAY(sum, struct sum, 1);

#ifdef PER_FUNCTION
struct group {
    u64 address;
    u64 pid;
};
struct slot_key {
    struct group group;
    u64 slot;
};
BPF_HISTOGRAM(dist, struct slot_key, 10240);
#else
BPF_HISTOGRAM(dist);
#endif

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
#if LEVEL > 1
    struct calls none = {};
    struct calls *c = calls.lookup_or_try_init(&tid, &none);
    if (!c)
        return 0;
    u64 depth = c->depth;
    c->depth = depth + 1;
    if (depth >= LEVEL)
        return 0;
    c->address[depth] = PT_REGS_IP(ctx);
    c->since[depth] = bpf_ktime_get_ns();
#else
    struct calls c = {};
    c.depth = 1;
    c.address[0] = PT_REGS_IP(ctx);
    c.since[0] = bpf_ktime_get_ns();
    calls.update(&tid, &c);
#endif
    return 0;
}

int leave(struct pt_regs *ctx)
{
    u64 now = bpf_ktime_get_ns();
    u64 id = bpf_get_current_pid_tgid();
    u32 tid = id;
    struct calls *c = calls.lookup(&tid);
    if (!c)
        return 0;
    u64 depth = c->depth - 1;
#if LEVEL > 1
    if (depth + 1 == 0)
        return 0;
    c->depth = depth;
    if (depth >= LEVEL)
        return 0;
#else
    depth = 0;
#endif
    u64 delta = now - c->since[depth];
    u64 address = c->address[depth];
    if (depth == 0)
        calls.delete(&tid);
    if ((s64)delta < 0)
        return 0;
    delta /= UNIT;
    int first = 0;
    struct sum *s = sum.lookup(&first);
    if (s) {
        lock_xadd(&s->total, delta);
        lock_xadd(&s->count, 1);
    }
#ifdef PER_FUNCTION
    struct slot_key key = {};
    key.group.address = address;
#ifdef USER
    key.group.pid = id >> 32;
#endif
    key.slot = bpf_log2l(delta);
    dist.atomic_increment(key);
#else
    dist.atomic_increment(bpf_log2l(delta));
#endif
    return 0;
}
"""

# Calls are followed on a stack that must fit into a program's.
MAX_LEVEL = 24


def options():
    p = tool.parser("Time functions and print latency as a histogram", EXAMPLES)
    add = p.add_argument
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("-i", "--interval", type=tool.nonzero, help="print a report every this many seconds")
    add("-d", "--duration", type=tool.nonzero, help="total duration of the trace in seconds")
    add("-T", "--timestamp", action="store_true", help="time of day before each report")
    add("-u", "--microseconds", action="store_true", help="microsecond histogram")
    add("-m", "--milliseconds", action="store_true", help="millisecond histogram")
    add("-F", "--function", action="store_true", help="a histogram for each function")
    add("-r", "--regexp", action="store_true", help="the pattern is a regular expression")
    add("-l", "--level", type=tool.whole, help=f"follow recursion to this depth (at most {MAX_LEVEL})")
    add("-v", "--verbose", action="store_true", help="print the program before starting")
    add("pattern", help="[LIB:]FUNCTION, in which * stands for any text")
    tool.add_json(p)
    return p.parse_args()


def find(args):
    """The regular expression, the file (None: the kernel) and its matching functions."""
    from bcc import BPF

    parts = args.pattern.split(":")
    if len(parts) > 2:
        tool.fail(f"Error: unrecognized pattern format '{args.pattern}'")
    if len(parts) == 2 and tool.find_binary(parts[0]) is None:
        tool.fail(f"Error: can't resolve library {parts[0]}")
    _, library, pattern = tool.probe_pattern(args.pattern, args.regexp)
    if library is None:
        found = sorted(BPF.get_kprobe_functions(pattern))
    else:
        found = sorted(BPF.get_user_addresses(library, pattern))
    if not found:
        tool.fail(f'0 functions matched by "{args.pattern}". Exiting.')
    return pattern, library, found


def cflags_for(args, keyed, user):
    flags = tool.switches({
        "FILTER_PID": args.pid,
        "MILLISECONDS": args.milliseconds,
        "MICROSECONDS": args.microseconds and not args.milliseconds,
        "PER_FUNCTION": keyed,
        "USER": user,
    })
    if args.level is not None and args.level > 1:
        flags.append(f"-DLEVEL={args.level}")
    return flags


def attach(b, pattern, library, found, pid):
    if library is None:
        b.attach_kretprobe(event_re=pattern, fn_name=b"leave")
        b.attach_kprobe(event_re=pattern, fn_name=b"enter")
        return b.num_open_kprobes() // 2
    for address in found:
        b.attach_uretprobe(name=library, addr=address, fn_name=b"leave", pid=pid or -1)
        b.attach_uprobe(name=library, addr=address, fn_name=b"enter", pid=pid or -1)
    return len(found)


def report(dist, sums, args, label, name):
    """Prints the histograms of an interval; `name` of a group is None for a single one."""
    total, count = next(((gain.total, gain.count) for _, gain in sums.items()), (0, 0))
    if args.json:
        print_json(dist, label, name, total, count)
    else:
        print()
        if args.timestamp:
            print(f"{tool.clock():<8}")
        if name:
            dist.print_log2_hist(
                label, "Function", section_print_fn=lambda group: name(*group),
                bucket_fn=lambda group: (group.address, group.pid),
            )  # fmt: skip
        else:
            dist.print_log2_hist(label)
        if count:
            print(f"\navg = {total // count} {label}, total: {total} {label}, count: {count}\n")
        sys.stdout.flush()


def print_json(dist, label, name, total, count):
    from bcc.table import get_json_hist

    groups = {}
    for key, slot_count in dist.items():
        group, slot = ((key.group.address, key.group.pid), key.slot) if name else (0, key.value)
        if slot_count.value:
            groups.setdefault(group, [0] * 65)[slot] = slot_count.value
    for group, slots in groups.items():
        data = get_json_hist(slots, label)["data"]
        record = {"time": tool.clock(), "val_type": label, "data": data}
        if name:
            record["function"] = name(*group)
        else:
            record |= {"avg": total // max(count, 1), "total": total, "count": count}
        tool.print_json(record)


def main():
    args = options()
    if args.level is not None and args.level > MAX_LEVEL:
        tool.fail(f"funclatency: -l can be {MAX_LEVEL} at most")
    tool.show_ebpf(args, TEXT)
    if args.verbose:
        print(TEXT)

    from bcc import BPF

    pattern, library, found = find(args)
    keyed = args.function or library is not None and not args.pid
    b = tool.load(TEXT, cflags_for(args, keyed, library is not None))
    tool.set_options(b, "options", pid=args.pid or 0)

    def name_of(address, pid):
        if library is None:
            return tool.text_of(BPF.ksym(address))
        return f"{tool.text_of(BPF.sym(address, pid))} [{pid}]"

    number = attach(b, pattern, library, found, args.pid)
    if not args.json:
        tool.print_start(
            f'Tracing {number} functions for "{args.pattern}"... Hit Ctrl-C to end.'
        )  # fmt: skip
    label = "msecs" if args.milliseconds else "usecs" if args.microseconds else "nsecs"
    dist, sums = b[b"dist"].gains(), b[b"sum"].gains()
    for last in tool.intervals(*tool.pace(args.interval, args.duration)):
        report(dist, sums, args, label, name_of if keyed else None)
        if last and not args.json:
            tool.print_row("Detaching...")


if __name__ == "__main__":
    tool.run(main)
