#!/usr/bin/python3
"""funccount: count calls of functions, tracepoints and USDT probes that match a pattern."""

from __future__ import annotations

import re
import sys

from bcc import tool

EXAMPLES = """examples:
    ./funccount 'vfs_*'             # kernel functions that start with "vfs_"
    ./funccount -r '^vfs_(read|write)$'  # the same with a regular expression
    ./funccount -Ti 5 'vfs_*'       # print every 5 seconds, with timestamps
    ./funccount -d 10 'vfs_*'       # trace for 10 seconds only
    ./funccount -p 185 'vfs_*'      # only process 185
    ./funccount -c 1 'vfs_*'        # only on CPU 1
    ./funccount 't:sched:sched_fork'  # a tracepoint
    ./funccount 'c:*alloc*'         # functions of libc with "alloc" in their names
    ./funccount '/bin/bash:readline'  # a function of a program
    ./funccount -p 185 'u:node:gc*' # USDT probes of process 185
    ./funccount --json 'vfs_*'      # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
    u32 cpu;
};
BPF_ARRAY(options, struct options, 1);

static int unwanted(void)
{
#if defined(FILTER_PID) || defined(FILTER_CPU)
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o)
        return 1;
#endif
#ifdef FILTER_PID
    if (bpf_get_current_pid_tgid() >> 32 != o->pid)
        return 1;
#endif
#ifdef FILTER_CPU
    if (bpf_get_smp_processor_id() != o->cpu)
        return 1;
#endif
    return 0;
}

#ifdef BY_ADDRESS
/* One program for all kernel functions: its own address tells which one it is. */
BPF_HASH(counts, u64, u64, 4096);

int count_function(struct pt_regs *ctx)
{
    if (unwanted())
        return 0;
    u64 address = PT_REGS_IP(ctx);
    counts.atomic_increment(address);
    return 0;
}
#else
/* One program for each probe, counting in the slot of its number. */
BPF_ARRAY(counts, u64, PROBES);

static int count(int number)
{
    if (unwanted())
        return 0;
    u64 *calls = counts.lookup(&number);
    if (calls)
        lock_xadd(calls, 1);
    return 0;
}

#define ONE(n) int count_##n(void *ctx) { return count(0x##n); }
#define SIXTEEN(n) ONE(n##0) ONE(n##1) ONE(n##2) ONE(n##3) ONE(n##4) ONE(n##5) ONE(n##6) ONE(n##7) \
    ONE(n##8) ONE(n##9) ONE(n##a) ONE(n##b) ONE(n##c) ONE(n##d) ONE(n##e) ONE(n##f)
#define PAGE(n) SIXTEEN(n##0) SIXTEEN(n##1) SIXTEEN(n##2) SIXTEEN(n##3) SIXTEEN(n##4) \
    SIXTEEN(n##5) SIXTEEN(n##6) SIXTEEN(n##7) SIXTEEN(n##8) SIXTEEN(n##9) SIXTEEN(n##a) \
    SIXTEEN(n##b) SIXTEEN(n##c) SIXTEEN(n##d) SIXTEEN(n##e) SIXTEEN(n##f)
SIXTEEN(00)
#if PROBES > 16
SIXTEEN(01) SIXTEEN(02) SIXTEEN(03)
#endif
#if PROBES > 64
SIXTEEN(04) SIXTEEN(05) SIXTEEN(06) SIXTEEN(07) SIXTEEN(08) SIXTEEN(09) SIXTEEN(0a) SIXTEEN(0b)
SIXTEEN(0c) SIXTEEN(0d) SIXTEEN(0e) SIXTEEN(0f)
#endif
#if PROBES > 256
PAGE(1) PAGE(2) PAGE(3)
#endif
#endif
"""

# How many programs the text can hold; a text of each size is compiled once and then cached.
SIZES = (16, 64, 256, 1024)


def options():
    p = tool.parser("Count functions, tracepoints, and USDT probes", EXAMPLES)
    add = p.add_argument
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("-i", "--interval", type=tool.nonzero, help="print a report every this many seconds")
    add("-d", "--duration", type=tool.nonzero, help="total duration of the trace in seconds")
    add("-T", "--timestamp", action="store_true", help="time of day before each report")
    add("-r", "--regexp", action="store_true", help="the pattern is a regular expression")
    add("-D", "--debug", action="store_true", help="print the program before starting")
    add("-c", "--cpu", type=tool.cpu, help="trace this CPU only")
    add("pattern", help="[p|t|u:][LIB:]PATTERN, in which * stands for any text")
    tool.add_json(p)
    return p.parse_args()


def find(args):
    """The regular expression, the kind of probe, its file and what matches."""
    kind, library, pattern = tool.probe_pattern(args.pattern, args.regexp)
    return pattern.decode(), kind, library, matches(args, kind, library, pattern)


def matches(args, kind, library, pattern):
    """Names, or for functions of a file pairs of name and address."""
    from bcc import BPF

    if kind == "t":
        return sorted(BPF.get_tracepoints(pattern))
    if kind == "u":
        return usdt_probes(args, library, pattern)
    if library is None:
        return sorted(BPF.get_kprobe_functions(pattern))
    # A function of several names is one probe.
    by_address = {}
    for name, address in sorted(BPF.get_user_functions_and_addresses(library, pattern)):
        by_address.setdefault(address, name)
    return sorted((name, address) for address, name in by_address.items())


def usdt_probes(args, library, pattern):
    usdt = tool.usdt(library, args.pid)
    names = {probe.name for probe in usdt.enumerate_probes()}
    return sorted(name for name in names if re.match(pattern, name))


def load(args, pattern, kind, library, found):
    """Compiles and attaches; gives the object and the name behind each key of `counts`."""
    from bcc import BPF

    flags = tool.switches({"FILTER_PID": args.pid, "FILTER_CPU": args.cpu is not None})
    values = {"pid": args.pid or 0, "cpu": args.cpu or 0}
    if kind == "p" and library is None:
        b = tool.load(TEXT, [*flags, "-DBY_ADDRESS"])
        tool.set_options(b, "options", **values)
        b.attach_kprobe(event_re=pattern.encode(), fn_name=b"count_function")
        return b, b.num_open_kprobes(), lambda key: BPF.ksym(key)
    size = next(size for size in SIZES if len(found) <= size)
    functions = [b"count_%03x" % number for number in range(len(found))]
    usdts = []
    if kind == "u":
        usdts = [tool.usdt(library, args.pid)]
        for name, function in zip(found, functions, strict=True):
            usdts[0].enable_probe(name.decode(), function.decode())
    b = tool.load(TEXT, [*flags, f"-DPROBES={size}"], usdts)
    tool.set_options(b, "options", **values)
    names = found
    if kind == "t":
        for name, function in zip(found, functions, strict=True):
            b.attach_tracepoint(tp=name, fn_name=function)
    elif kind == "p":
        names = [name for name, _ in found]
        for (_, address), function in zip(found, functions, strict=True):
            b.attach_uprobe(
                name=library, addr=address, fn_name=function, pid=args.pid or -1
            )  # fmt: skip
    return b, len(found), lambda key: names[key]


def report(counts, args, name_of):
    """Prints what was counted since the last report."""
    rows = sorted((count.value, name_of(key.value)) for key, count in counts.items())
    if args.json:
        for count, name in rows:
            tool.print_json(
                {"time": tool.clock(), "function": tool.text_of(name), "count": count}
            )  # fmt: skip
        return
    print()
    if args.timestamp:
        print(f"{tool.clock():<8}")
    print(f"{'FUNC':<36} {'COUNT':>8}")
    for count, name in rows:
        print(tool.one_line(f"{tool.text_of(name):<36} {count:>8d}"))
    sys.stdout.flush()


def main():
    args = options()
    if args.debug:
        print(TEXT)
    tool.show_ebpf(args, TEXT)
    pattern, kind, library, found = find(args)
    limit = 1000
    if len(found) > limit:
        tool.fail(f"maximum of {limit} probes allowed, attempted {len(found)}")
    if not found:
        tool.fail(f"No functions matched by pattern {pattern}")
    b, number, name_of = load(args, pattern, kind, library, found)
    if not args.json:
        tool.print_start(
            f'Tracing {number} functions for "{args.pattern}"... Hit Ctrl-C to end.'
        )  # fmt: skip
    counts = b[b"counts"].gains()
    for last in tool.intervals(*tool.pace(args.interval, args.duration)):
        report(counts, args, name_of)
        if last and not args.json:
            tool.print_row("Detaching...")


if __name__ == "__main__":
    tool.run(main)
