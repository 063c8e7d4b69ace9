#!/usr/bin/python3
"""klockstat: how long kernel mutexes are waited for and held, by who locked them."""

from __future__ import annotations

import errno
import sys

from bcc import tool

EXAMPLES = """examples:
    ./klockstat                   # until Ctrl-C
    ./klockstat -d 5              # for 5 seconds
    ./klockstat -i 5              # every 5 seconds
    ./klockstat -p 123            # only process 123
    ./klockstat -t 321            # only thread 321
    ./klockstat -c pipe_          # only callers that begin with "pipe_"
    ./klockstat -S acq_count      # sort by the number of acquisitions
    ./klockstat -S hld_total      # sort by the total time held
    ./klockstat -n 3              # only 3 rows of each table
    ./klockstat -s 3              # with one more frame of the stack
    ./klockstat --json            # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>
#include <linux/mutex.h>

#ifndef STACKS
#define STACKS 16384
#endif

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
    u32 tid;
};
BPF_ARRAY(options, struct options, 1);

/* A thread that waits for a mutex. */
struct waiting {
    u64 mutex;
    u64 since;
    int stack;
};
BPF_HASH(waiting, u32, struct waiting);

/* A mutex and the thread that holds it. */
struct holder {
    u64 mutex;
    u32 tid;
    u32 pad;
};
struct held {
    u64 since;
    int stack;
};
BPF_HASH(held, struct holder, struct held);

struct sums {
    u64 wait_count;
    u64 wait_max;
    u64 wait_total;
    u64 hold_count;
    u64 hold_max;
    u64 hold_total;
};
BPF_HASH(sums, int, struct sums);
BPF_STACK_TRACE(stacks, STACKS);

static int unwanted(u64 id)
{
#if defined(FILTER_TID) || defined(FILTER_PID)
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o)
        return 1;
#endif
#if defined(FILTER_TID)
    return (u32)id != o->tid;
#elif defined(FILTER_PID)
    return id >> 32 != o->pid;
#else
    return 0;
#endif
}

static int lock_begins(void *ctx, u64 mutex)
{
    u64 id = bpf_get_current_pid_tgid();
    u32 tid = id;
    if (unwanted(id))
        return 0;
    struct waiting w = {};
    w.mutex = mutex;
    w.stack = stacks.get_stackid(ctx, 0);
    w.since = bpf_ktime_get_ns();
    waiting.update(&tid, &w);
    return 0;
}

static int lock_ends(void)
{
    u64 now = bpf_ktime_get_ns();
    u32 tid = bpf_get_current_pid_tgid();
    struct waiting *w = waiting.lookup(&tid);
    if (!w)
        return 0;
    struct holder holder = {};
    struct held h = {};
    struct sums none = {};
    int stack = w->stack;
    u64 wait = now - w->since;
    holder.mutex = w->mutex;
    holder.tid = tid;
    h.since = now;
    h.stack = stack;
    waiting.delete(&tid);
    held.update(&holder, &h);
    struct sums *s = sums.lookup_or_try_init(&stack, &none);
    if (s && wait) {
        lock_xadd(&s->wait_count, 1);
        lock_xadd(&s->wait_total, wait);
        if (wait > s->wait_max)
            s->wait_max = wait;
    }
    return 0;
}

static int unlocked(u64 mutex)
{
    struct holder holder = {};
    holder.mutex = mutex;
    holder.tid = bpf_get_current_pid_tgid();
    struct held *h = held.lookup(&holder);
    if (!h)
        return 0;
    u64 hold = bpf_ktime_get_ns() - h->since;
    int stack = h->stack;
    held.delete(&holder);
    struct sums none = {};
    struct sums *s = sums.lookup_or_try_init(&stack, &none);
    if (s) {
        lock_xadd(&s->hold_count, 1);
        lock_xadd(&s->hold_total, hold);
        if (hold > s->hold_max)
            s->hold_max = hold;
    }
    return 0;
}

#ifdef FENTRY
/* LOCK and the name that it stands for. */
#define ENTRY(function, args...) KFUNC_PROBE(function, ##args)
#define RETURN(function, args...) KRETFUNC_PROBE(function, ##args)

/* These attach as soon as the text is compiled; a filter lets nothing pass before it is set. */
ENTRY(LOCK, struct mutex *lock)
{
    return lock_begins(ctx, (u64)lock);
}

RETURN(LOCK, struct mutex *lock)
{
    return lock_ends();
}

KFUNC_PROBE(mutex_unlock, struct mutex *lock)
{
    return unlocked((u64)lock);
}
#else
int lock_enter(struct pt_regs *ctx)
{
    return lock_begins(ctx, PT_REGS_PARM1(ctx));
}

int lock_leave(struct pt_regs *ctx)
{
    return lock_ends();
}

int unlock_enter(struct pt_regs *ctx)
{
    return unlocked(PT_REGS_PARM1(ctx));
}
#endif
"""

SORTS = {
    f"{table}_{what}": what for table in ("acq", "hld") for what in ("max", "total", "count")
}
# Kernels with lock debugging have only the nested one.
LOCKS = ("mutex_lock", "mutex_lock_nested")
LOCK_FRAMES = ("mutex_lock", "__mutex_lock")
# What hooks put on top of the caller's stack.
OWN_FRAMES = (*LOCK_FRAMES, "bpf_", "kprobe_", "ftrace_", "optimized_callback")


def options():
    p = tool.parser("Trace mutex lock events and print lock contention and hold times", EXAMPLES)
    when = p.add_mutually_exclusive_group()
    when.add_argument("-d", "--duration", type=tool.nonzero, help="trace for this many seconds")
    when.add_argument("-i", "--interval", type=tool.nonzero, help="print a report every this many seconds")
    add = p.add_argument
    add("-n", "--locks", type=tool.whole, default=tool.FOREVER, help="rows of each table")
    add("-s", "--stacks", type=tool.whole, default=1, help="frames to show, the caller counts as two (1)")
    add("-c", "--caller", help="only callers whose name begins with this")
    add("-S", "--sort", help="acq_max, acq_total, acq_count, hld_max, hld_total or hld_count")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("-t", "--tid", type=tool.pid, help="trace this TID only")
    add("--stack-storage-size", type=tool.nonzero, default=16384,
        help="number of distinct stacks that can be kept (16384)")  # fmt: skip
    tool.add_json(p)
    return p.parse_args()


def sort_key(args):
    if args.sort is None:
        return "max"
    for word in args.sort.split(","):
        if word in SORTS:
            return SORTS[word]
    tool.fail(f"Wrong sort argument: {args.sort}")


def load(args):
    """Compiles and attaches: fentry, or kprobes where the kernel cannot."""
    flags = tool.switches({
        "FILTER_TID": args.tid is not None,
        "FILTER_PID": args.pid is not None and args.tid is None,
    })
    if args.stack_storage_size != 16384:
        flags.append(f"-DSTACKS={args.stack_storage_size}")
    values = {"pid": args.pid or 0, "tid": args.tid or 0}
    fentry = [[*flags, "-DFENTRY", f"-DLOCK={lock}"] for lock in LOCKS]
    b, used = tool.load_first(TEXT, [*fentry, flags])
    tool.set_options(b, "options", **values)
    if used is not flags:
        return b
    lock = next((lock.encode() for lock in LOCKS if b.ksymname(lock.encode()) != -1), b"mutex_lock")
    b.attach_kprobe(event=b"mutex_unlock", fn_name=b"unlock_enter")
    b.attach_kretprobe(event=lock, fn_name=b"lock_leave")
    b.attach_kprobe(event=lock, fn_name=b"lock_enter")
    return b


def callers(b, stack_id):
    """Frames that led to the lock, the caller first; None for a stack that was lost."""
    addresses = tool.stack_of(b[b"stacks"], stack_id)
    if addresses is None:
        return None
    frames = [tool.text_of(b.ksym(address, show_offset=True)) for address in addresses]
    # What a fentry program runs in lies above the function, and need not have a name.
    traced = (number for number, f in enumerate(frames) if f.startswith(LOCK_FRAMES))
    frames = frames[next(traced, 0) :]
    while len(frames) > 1 and frames[0].startswith(OWN_FRAMES):
        frames.pop(0)
    return frames


def print_table(b, args, word, rows):
    print(f"\n{'Caller':>40} {f'Avg {word}':>10} {'Count':>6} {f'Max {word.lower()}':>10} "
          f"{f'Total {word.lower()}':>10}")  # fmt: skip
    for stack_id, count, longest, total in rows:
        frames = callers(b, stack_id) or ["[Missed Kernel Stack]"]
        if args.caller and not frames[0].startswith(args.caller):
            continue
        print(f"{frames[0]:>40} {total // count:>10d} {count:>6d} {longest:>10d} {total:>10d}")
        for frame in frames[1 : max(args.stacks - 1, 1)]:
            print(f"{frame:>40}")


def report(b, args, sort):
    """Prints both tables; says on stderr which stacks could not be kept."""
    # Each is read and removed at once: to clear them after all is printed would lose much.
    items = [(key.value, sums) for key, sums in b[b"sums"].items_lookup_and_delete_batch()]
    at = {"count": 1, "max": 2, "total": 3}[sort]
    for word, prefix in (("Spin", "wait"), ("Hold", "hold")):
        rows = [
            (stack_id, *(getattr(sums, f"{prefix}_{what}") for what in ("count", "max", "total")))
            for stack_id, sums in items
        ]
        rows = [row for row in rows if row[1]]
        rows.sort(key=lambda row: -row[at])
        if not args.json:
            print_table(b, args, word, rows[: args.locks])
            continue
        for stack_id, count, longest, total in rows[: args.locks]:
            frames = callers(b, stack_id)
            if not args.caller or frames and frames[0].startswith(args.caller):
                tool.print_json({
                    "time": tool.clock(), "event": prefix, "caller": frames and frames[0],
                    "count": count, "max_ns": longest, "total_ns": total, "stack": frames,
                })  # fmt: skip
    sys.stdout.flush()
    lost = [stack_id for stack_id, _ in items if stack_id < 0 and stack_id != -errno.EFAULT]
    if lost:
        hint = " Consider increasing --stack-storage-size." if -errno.ENOMEM in lost else ""
        print(f"WARNING: {len(lost)} stack traces lost and could not be displayed.{hint}",
              file=sys.stderr)  # fmt: skip


def main():
    args = options()
    sort = sort_key(args)
    tool.show_ebpf(args, TEXT)

    b = load(args)
    if not args.json:
        tool.print_start("Tracing lock events... Hit Ctrl-C to end.")
    seconds, count = (args.interval, tool.FOREVER) if args.interval else (
        args.duration or tool.FOREVER, 1
    )  # fmt: skip
    for _last in tool.intervals(seconds, count):
        report(b, args, sort)


if __name__ == "__main__":
    tool.run(main)
