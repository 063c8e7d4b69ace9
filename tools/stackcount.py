#!/usr/bin/python3
"""stackcount: count the stacks that lead to a function, a tracepoint or a USDT probe."""

from __future__ import annotations

import re
import sys

from bcc import tool

EXAMPLES = """examples:
    ./stackcount submit_bio         # kernel stacks that lead to submit_bio
    ./stackcount -d ip_output       # with a delimiter between user and kernel part
    ./stackcount -s ip_output       # with symbol offsets
    ./stackcount -sv ip_output      # with offsets and raw addresses
    ./stackcount 'tcp_send*'        # functions that start with "tcp_send"
    ./stackcount -r '^tcp_send.*'   # the same with a regular expression
    ./stackcount -Ti 5 ip_output    # print every 5 seconds, with timestamps
    ./stackcount -p 185 ip_output   # only process 185
    ./stackcount -P ip_output       # stacks of each process apart
    ./stackcount -K t:sched:sched_switch  # kernel stacks of context switches
    ./stackcount -c 1 put_prev_entity     # only on CPU 1
    ./stackcount -p 185 c:malloc    # stacks that lead to malloc of libc
    ./stackcount -f -D 10 submit_bio      # ten seconds, folded for flame graphs
    ./stackcount -p 185 u:node:gc__start  # a USDT probe
    ./stackcount --json -P submit_bio     # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
    u32 cpu;
};
BPF_ARRAY(options, struct options, 1);

struct key {
    u32 pid;
    int kernel_stack;
    int user_stack;
    char comm[TASK_COMM_LEN];
};
BPF_HASH(counts, struct key, u64);
BPF_STACK_TRACE(stacks, 1024);

/* For probes of every kind. */
int hit(void *ctx)
{
#if defined(FILTER_PID) || defined(FILTER_CPU)
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o)
        return 0;
#endif
    u32 pid = bpf_get_current_pid_tgid() >> 32;
#ifdef FILTER_PID
    if (pid != o->pid)
        return 0;
#endif
#ifdef FILTER_CPU
    if (bpf_get_smp_processor_id() != o->cpu)
        return 0;
#endif
    struct key key = {};
#ifdef PER_PROCESS
    key.pid = pid;
    bpf_get_current_comm(key.comm, sizeof(key.comm));
#endif
    key.kernel_stack = -1;
    key.user_stack = -1;
#ifdef KERNEL_STACKS
    key.kernel_stack = stacks.get_stackid(ctx, 0);
#endif
#ifdef USER_STACKS
    key.user_stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);
#endif
    counts.atomic_increment(key);
    return 0;
}
"""

LIMIT = 1000


def options():
    p = tool.parser("Count events and their stack traces", EXAMPLES)
    add = p.add_argument
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("-c", "--cpu", type=tool.cpu, help="trace this CPU only")
    add("-i", "--interval", type=tool.nonzero, help="print a report every this many seconds")
    add("-D", "--duration", type=tool.nonzero, help="total duration of the trace in seconds")
    add("-T", "--timestamp", action="store_true", help="time of day before each report")
    add("-r", "--regexp", action="store_true", help="the pattern is a regular expression")
    add("-s", "--offset", action="store_true", help="show offsets of symbols")
    add("-P", "--perpid", action="store_true", help="stacks of each process apart")
    add("-K", "--kernel-stacks-only", action="store_true", help="no user stacks")
    add("-U", "--user-stacks-only", action="store_true", help="no kernel stacks")
    add("-v", "--verbose", action="store_true", help="show raw addresses")
    add("-d", "--delimited", action="store_true", help="delimiter between kernel and user stacks")
    add("-f", "--folded", action="store_true", help="one line per stack, for flame graphs")
    add("--debug", action="store_true", help="print the program before starting")
    add("pattern", help="[p|t|u:][LIB:]PATTERN, in which * stands for any text")
    tool.add_json(p)
    return p.parse_args()


def cflags_for(args):
    return tool.switches({
        "FILTER_PID": args.pid,
        "FILTER_CPU": args.cpu is not None,
        "PER_PROCESS": args.perpid or args.pid,
        "KERNEL_STACKS": not args.user_stacks_only,
        "USER_STACKS": not args.kernel_stacks_only,
    })


def start(args):
    """Compiles and attaches; gives the object and the number of probes."""
    from bcc import BPF

    kind, library, pattern = tool.probe_pattern(args.pattern, args.regexp)
    if kind == "u":
        return start_usdt(args, library, pattern)
    if kind == "t":
        found = sorted(BPF.get_tracepoints(pattern))
    elif library is None:
        found = sorted(BPF.get_kprobe_functions(pattern))
    else:
        found = sorted(BPF.get_user_addresses(library, pattern))
    check(found, pattern)
    b = tool.load(TEXT, cflags_for(args))
    set_options(b, args)
    if kind == "t":
        for name in found:
            b.attach_tracepoint(tp=name, fn_name=b"hit")
    elif library is None:
        b.attach_kprobe(event_re=pattern, fn_name=b"hit")
        return b, b.num_open_kprobes()
    else:
        for address in found:
            b.attach_uprobe(name=library, addr=address, fn_name=b"hit", pid=args.pid or -1)
    return b, len(found)


def start_usdt(args, library, pattern):
    usdt = tool.usdt(library, args.pid)
    names = {probe.name for probe in usdt.enumerate_probes()}
    found = sorted(name for name in names if re.match(pattern, name))
    check(found, pattern)
    for name in found:
        usdt.enable_probe(name.decode(), "hit")
    b = tool.load(TEXT, cflags_for(args), [usdt])
    set_options(b, args)
    return b, len(found)


def set_options(b, args):
    tool.set_options(b, "options", pid=args.pid or 0, cpu=args.cpu or 0)


def check(found, pattern):
    if not found:
        tool.fail(f"No functions matched by pattern {pattern.decode()}")
    if len(found) > LIMIT:
        tool.fail(f"maximum of {LIMIT} probes allowed, attempted {len(found)}")


def stacks_of(b, args, key, offset):
    """Kernel and user frames as (address, text), innermost first."""
    kernel, user = [], []
    if not args.user_stacks_only:
        kernel = tool.stack_of(b[b"stacks"], key.kernel_stack) or []
    if not args.kernel_stacks_only:
        user = tool.stack_of(b[b"stacks"], key.user_stack) or []
    known = args.perpid or args.pid
    return (
        [(at, tool.text_of(b.ksym(at, show_offset=offset))) for at in kernel],
        [
            (at, tool.text_of(b.sym(at, key.pid, show_offset=offset)) if known else "[unknown]")
            for at in user
        ],
    )


def print_folded(args, key, count, kernel, user):
    middle = ["-"] if args.delimited and not only_one(args) else []
    frames = [name for _, name in reversed(user)] + middle + [name for _, name in reversed(kernel)]
    print(tool.one_line(f"{';'.join([tool.text_of(key.comm), *frames])} {count}"))


def only_one(args):
    return args.kernel_stacks_only or args.user_stacks_only


def print_stack(args, key, count, kernel, user):
    def show(frames):
        for address, name in frames:
            print(tool.one_line(f"  {address:<16x} {name}" if args.verbose else f"  {name}"))

    show(kernel)
    if args.delimited and not only_one(args):
        print("    --")
    show(user)
    if args.perpid and not args.pid:
        print(tool.one_line(f"    {tool.text_of(key.comm)} [{key.pid}]"))
    print(f"    {count}\n")


def report(b, args, counts):
    """Prints what was counted since the last report, the most frequent last."""
    found = [(count.value, key) for key, count in counts.items()]
    if args.timestamp and not args.json:
        print(f"{tool.clock():<8}")
    for count, key in sorted(found, key=lambda item: item[0]):
        kernel, user = stacks_of(b, args, key, args.offset)
        if args.json:
            tool.print_json({
                "time": tool.clock(), "comm": tool.text_of(key.comm), "pid": key.pid,
                "count": count, "kernel_stack": [name for _, name in kernel],
                "user_stack": [name for _, name in user],
            })  # fmt: skip
        elif args.folded:
            print_folded(args, key, count, kernel, user)
        else:
            print_stack(args, key, count, kernel, user)
    sys.stdout.flush()
    # What is counted from here on finds its stack again; new ones need room.
    stacks = b[b"stacks"]
    if 2 * len(stacks) > stacks.max_entries:
        stacks.clear()


def main():
    args = options()
    if args.kernel_stacks_only and args.user_stacks_only:
        tool.fail("ERROR: -K and -U are mutually exclusive. If you want both stacks, "
                  "that is the default.")  # fmt: skip
    tool.show_ebpf(args, TEXT)
    if args.debug:
        print(TEXT)
    b, number = start(args)
    quiet = args.folded or args.json
    if not quiet:
        tool.print_start(
            f'Tracing {number} functions for "{args.pattern}"... Hit Ctrl-C to end.'
        )  # fmt: skip
    counts = b[b"counts"].gains()
    for last in tool.intervals(*tool.pace(args.interval, args.duration)):
        if not quiet:
            print()
        report(b, args, counts)
        if last and not quiet:
            tool.print_row("Detaching...")


if __name__ == "__main__":
    tool.run(main)
