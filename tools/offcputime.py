#!/usr/bin/python3
"""offcputime: where threads leave the CPU, and for how long, by stack.

The time from a thread's being switched out until it runs again is added to its kernel and user
stacks. Hooked is the scheduler's switch (raw tracepoint sched_switch), so the stack is the one the
thread went to sleep with. The idle tasks are left out.
"""

from __future__ import annotations

import errno
import sys

from bcc import tool

EXAMPLES = """examples:
    ./offcputime             # off-CPU time of all threads until Ctrl-C
    ./offcputime 5           # for 5 seconds only
    ./offcputime -f 5        # for 5 seconds, folded for flame graphs
    ./offcputime -s 5        # with offsets of the symbols
    ./offcputime -m 1000     # only waits of at least 1000 us
    ./offcputime -M 10000    # only waits of at most 10000 us
    ./offcputime -p 185      # only process 185
    ./offcputime -p 185,175  # only processes 185 and 175
    ./offcputime -t 188      # only thread 188
    ./offcputime -u          # only user threads (no kernel threads)
    ./offcputime -k          # only kernel threads
    ./offcputime -U          # only user stacks
    ./offcputime -K          # only kernel stacks
    ./offcputime --state 2   # only threads that left in this state (uninterruptible)
    ./offcputime --json 5    # an object a line, for programs"""

TEXT = r"""
#include <linux/sched.h>

#ifndef STACKS
#define STACKS 16384
#endif
#ifndef PF_KTHREAD
#define PF_KTHREAD 0x00200000
#endif
#define DEAD 0x80

/* Filled in before the probe is attached. */
struct options {
    u64 min_us;
    u64 max_us;
    u64 state;
};
BPF_ARRAY(options, struct options, 1);
/* Ids of the processes or threads asked for. */
BPF_HASH(wanted, u32, u8);

/* A thread that is off the CPU. */
struct waiting {
    u64 since;
    u32 cpu;
    int kernel_stack;
    int user_stack;
};
BPF_HASH(start, u32, struct waiting, 65536);

struct key {
    u32 tid;
    u32 tgid;
    int kernel_stack;
    int user_stack;
    char comm[TASK_COMM_LEN];
};
BPF_HASH(counts, struct key, u64, 65536);
BPF_STACK_TRACE(stacks, STACKS);

struct warning {
    u32 tid;
    u32 tgid;
    u32 from_cpu;
    u32 to_cpu;
};
BPF_PERF_OUTPUT(warnings);

static int unwanted(struct task_struct *p, struct options *o)
{
#if defined(FILTER_PID)
    u32 id = p->tgid;
    if (!wanted.lookup(&id))
        return 1;
#elif defined(FILTER_TID)
    u32 id = p->pid;
    if (!wanted.lookup(&id))
        return 1;
#elif defined(USER_THREADS)
    if (p->flags & PF_KTHREAD)
        return 1;
#elif defined(KERNEL_THREADS)
    if (!(p->flags & PF_KTHREAD))
        return 1;
#endif
    if (p->pid == 0)
        return 1;
#ifdef HAVE__STATE
    u64 state = p->__state;
#else
    u64 state = p->state;
#endif
#if defined(RUNNING_ONLY)
    if (state != 0)
        return 1;
#elif defined(FILTER_STATE)
    if (!(state & o->state))
        return 1;
#endif
    return (state & DEAD) != 0;
}

static void leave(void *ctx, struct task_struct *p, struct options *o)
{
    if (unwanted(p, o))
        return;
    struct waiting w = {};
    u32 tid = p->pid;
    w.since = bpf_ktime_get_ns();
    w.cpu = bpf_get_smp_processor_id();
#ifdef USER_STACKS
    w.user_stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);
#endif
#ifdef KERNEL_STACKS
    w.kernel_stack = stacks.get_stackid(ctx, 0);
#endif
    start.update(&tid, &w);
}

static void back(void *ctx, struct task_struct *p, struct options *o)
{
    u32 tid = p->pid;
    struct waiting *w = start.lookup(&tid);
    if (!w)
        return;
    u64 now = bpf_ktime_get_ns();
    if (now < w->since) {
        struct warning warning = {};
        warning.tid = tid;
        warning.tgid = p->tgid;
        warning.from_cpu = w->cpu;
        warning.to_cpu = bpf_get_smp_processor_id();
        warnings.perf_submit(ctx, &warning, sizeof(warning));
        start.delete(&tid);
        return;
    }
    u64 us = (now - w->since) / 1000;
    struct key key = {};
    key.tid = tid;
    key.tgid = p->tgid;
    key.kernel_stack = w->kernel_stack;
    key.user_stack = w->user_stack;
    bpf_probe_read_kernel_str(key.comm, sizeof(key.comm), p->comm);
    start.delete(&tid);
    if (us < o->min_us || us > o->max_us)
        return;
    counts.atomic_increment(key, us);
}

int switched(struct bpf_raw_tracepoint_args *ctx)
{
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o)
        return 0;
    back(ctx, (struct task_struct *)ctx->args[2], o);
    leave(ctx, (struct task_struct *)ctx->args[1], o);
    return 0;
}
"""

# What the tracepoint itself puts on top of a kernel stack.
OWN_FRAMES = (b"bpf_prog_", b"bpf_trace_run", b"__bpf_trace_", b"__traceiter_", b"bpf_get_stackid")


def options():
    p = tool.parser("Summarize off-CPU time by stack trace", EXAMPLES)
    threads = p.add_mutually_exclusive_group()
    add = threads.add_argument
    add("-p", "--pid", type=tool.pids, help="trace these PIDs only, comma-separated")
    add("-t", "--tid", type=tool.pids, help="trace these TIDs only, comma-separated")
    add("-u", "--user-threads-only", action="store_true", help="no kernel threads")
    add("-k", "--kernel-threads-only", action="store_true", help="kernel threads only")
    stacks = p.add_mutually_exclusive_group()
    add = stacks.add_argument
    add("-U", "--user-stacks-only", action="store_true", help="no kernel stacks")
    add("-K", "--kernel-stacks-only", action="store_true", help="no user stacks")
    add = p.add_argument
    add("-d", "--delimited", action="store_true", help="delimiter between kernel and user stacks")
    add("-f", "--folded", action="store_true", help="one line per stack, for flame graphs")
    add("-s", "--offset", action="store_true", help="show offsets of symbols")
    add("--stack-storage-size", type=tool.nonzero, default=16384,
        help="number of distinct stacks that can be kept (16384)")  # fmt: skip
    add("duration", nargs="?", type=tool.nonzero, default=tool.FOREVER, help="seconds to trace")
    add("-m", "--min-block-time", type=tool.nonzero, default=1, help="at least this many us (1)")
    add("-M", "--max-block-time", type=tool.nonzero, default=(1 << 64) - 1,
        help="at most this many us (2^64 - 1)")  # fmt: skip
    add("--state", type=tool.whole,
        help="only threads that leave the CPU in one of these states (bits; 0: runnable)")  # fmt: skip
    tool.add_json(p)
    return p.parse_args()


def check(args):
    if args.folded and args.offset:
        tool.fail("ERROR: can only use -f or -s. Exiting.")
    if args.kernel_threads_only and args.user_stacks_only:
        tool.fail("ERROR: Displaying user stacks for kernel threads doesn't make sense.", 2)


def cflags_for(args, has_field):
    flags = tool.switches({
        "FILTER_PID": args.pid is not None,
        "FILTER_TID": args.tid is not None,
        "USER_THREADS": args.user_threads_only,
        "KERNEL_THREADS": args.kernel_threads_only,
        "USER_STACKS": not args.kernel_stacks_only,
        "KERNEL_STACKS": not args.user_stacks_only,
        "RUNNING_ONLY": args.state == 0,
        "FILTER_STATE": bool(args.state),
        # Since v5.14 (2f064a59a11f) the member is __state.
        "HAVE__STATE": has_field(b"task_struct", b"__state") == 1,
    })
    if args.stack_storage_size != 16384:
        flags.append(f"-DSTACKS={args.stack_storage_size}")
    return flags


def start_line(args):
    threads = "all threads"
    if args.pid is not None:
        threads = "PIDs " + ",".join(map(str, args.pid))
    elif args.tid is not None:
        threads = "TIDs " + ",".join(map(str, args.tid))
    elif args.user_threads_only:
        threads = "user threads"
    elif args.kernel_threads_only:
        threads = "kernel threads"
    stack = "user + kernel"
    if args.user_stacks_only:
        stack = "user"
    elif args.kernel_stacks_only:
        stack = "kernel"
    text = f"Tracing off-CPU time (us) of {threads} by {stack} stack"
    if args.duration < tool.FOREVER:
        return f"{text} for {args.duration} secs."
    return f"{text}... Hit Ctrl-C to end."


def stacks_of(b, args, key):
    """Kernel and user frames as text, innermost first; None for a stack that was lost."""
    kernel, user = [], []
    if not args.user_stacks_only:
        kernel = tool.stack_of(b[b"stacks"], key.kernel_stack)
        if kernel is not None:
            names = [b.ksym(address, show_offset=args.offset) for address in kernel]
            while names and names[0].startswith(OWN_FRAMES):
                names.pop(0)
            kernel = [tool.text_of(name) for name in names]
    if not args.kernel_stacks_only:
        user = tool.stack_of(b[b"stacks"], key.user_stack)
        if user is not None:
            user = [
                tool.text_of(b.sym(address, key.tgid, show_offset=args.offset)) for address in user
            ]
    return kernel, user


def print_stack(args, key, us, kernel, user):
    both = args.delimited and kernel != [] and user != []
    comm = tool.text_of(key.comm)
    kernel = ["[Missed Kernel Stack]"] if kernel is None else kernel
    user = ["[Missed User Stack]"] if user is None else user
    if args.folded:
        middle = ["-"] if both else []
        stack = ";".join([comm, *reversed(user), *middle, *reversed(kernel)])
        print(tool.one_line(f"{stack} {us}"))
        return
    for frame in [*kernel, *(["--"] if both else []), *user]:
        print(tool.one_line(f"    {frame}"))
    print(tool.one_line(f"    {'-':<16} {comm} ({key.tid})"))
    print(f"        {us}\n")


def report(b, args):
    """Prints all stacks, the longest time last; says on stderr which could not be kept."""
    lost, full = 0, False
    for key, us in sorted(b[b"counts"].items(), key=lambda item: item[1].value):
        kernel, user = stacks_of(b, args, key)
        lost += (kernel is None) + (user is None)
        full |= -errno.ENOMEM in (key.kernel_stack, key.user_stack)
        if args.json:
            tool.print_json({
                "comm": tool.text_of(key.comm), "pid": key.tgid, "tid": key.tid,
                "us": us.value, "kernel_stack": kernel, "user_stack": user,
            })  # fmt: skip
        else:
            print_stack(args, key, us.value, kernel, user)
    sys.stdout.flush()
    if lost:
        hint = " Consider increasing --stack-storage-size." if full else ""
        print(f"WARNING: {lost} stack traces lost and could not be displayed.{hint}",
              file=sys.stderr)  # fmt: skip


def main():
    args = options()
    check(args)
    tool.show_ebpf(args, TEXT)

    from bcc import BPF

    b = tool.load(TEXT, cflags_for(args, BPF.kernel_struct_has_field))
    tool.set_options(
        b, "options", min_us=args.min_block_time, max_us=args.max_block_time, state=args.state or 0
    )
    tool.add_keys(b, "wanted", args.pid or args.tid or [])

    def print_warning(cpu, data, size):
        w = b[b"warnings"].event(data)
        print(f"WARN: Skipped an event with negative duration: pid:{w.tid}, tgid:{w.tgid}, "
              f"off-cpu:{w.from_cpu}, on-cpu:{w.to_cpu}", file=sys.stderr)  # fmt: skip

    b[b"warnings"].open_perf_buffer(print_warning)
    b.attach_raw_tracepoint(tp=b"sched_switch", fn_name=b"switched")
    quiet = args.folded or args.json
    if not quiet:
        tool.print_start(start_line(args))
    for _last in tool.intervals(args.duration, 1):
        b.detach_raw_tracepoint(tp=b"sched_switch")
        b.perf_buffer_consume()
        if not quiet:
            print()
        report(b, args)


if __name__ == "__main__":
    tool.run(main)
