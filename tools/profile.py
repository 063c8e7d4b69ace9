#!/usr/bin/python3
"""profile: which stacks use the CPU, from timed samples.

Samples every CPU through a perf event (the hardware's cycle counter where there is one, else the
kernel's CPU clock) and counts kernel and user stacks in the kernel.
"""

from __future__ import annotations

import errno
import os
import sys

from bcc import tool

EXAMPLES = """examples:
    ./profile             # all CPUs at 49 Hertz until Ctrl-C
    ./profile -F 99       # at 99 Hertz
    ./profile -c 1000000  # a sample every 1000000 events
    ./profile 5           # for 5 seconds only
    ./profile -f 5        # for 5 seconds, folded for flame graphs
    ./profile -p 185      # only process 185
    ./profile -L 185      # only thread 185
    ./profile -U          # only user stacks
    ./profile -K          # only kernel stacks
    ./profile -C 2        # only CPU 2
    ./profile -I          # with the idle tasks
    ./profile --cgroupmap mappath  # only cgroups in this BPF map
    ./profile --mntnsmap mappath   # only mount namespaces in this BPF map
    ./profile --json 5    # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>
#include <uapi/linux/bpf_perf_event.h>
#include <linux/sched.h>

#ifndef STACKS
#define STACKS 16384
#endif
#ifndef KEYS
#define KEYS 40960
#endif

/* Filled in before the event is attached. */
struct options {
    u64 ns_dev;
    u64 ns_ino;
};
BPF_ARRAY(options, struct options, 1);
/* Ids of the processes or threads asked for. */
BPF_HASH(wanted, u32, u8);

struct key {
    u64 kernel_ip;
    u32 pid;
    int kernel_stack;
    int user_stack;
    char comm[TASK_COMM_LEN];
};
BPF_HASH(counts, struct key, u64, KEYS);
BPF_STACK_TRACE(stacks, STACKS);

int sample(struct bpf_perf_event_data *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
#ifdef OWN_NAMESPACE
    int zero = 0;
    struct options *o = options.lookup(&zero);
    struct bpf_pidns_info ns = {};
    if (o && bpf_get_ns_current_pid_tgid(o->ns_dev, o->ns_ino, &ns, sizeof(ns)) == 0)
        id = (u64)ns.tgid << 32 | ns.pid;
#endif
    u32 pid = id >> 32, tid = id;
#ifndef WITH_IDLE
    if (tid == 0)
        return 0;
#endif
#if defined(FILTER_PID)
    if (!wanted.lookup(&pid))
        return 0;
#elif defined(FILTER_TID)
    if (!wanted.lookup(&tid))
        return 0;
#endif
#ifdef FILTER_CONTAINER
    if (container_should_be_filtered())
        return 0;
#endif
    struct key key = {};
    key.pid = pid;
    bpf_get_current_comm(key.comm, sizeof(key.comm));
#ifdef USER_STACKS
    key.user_stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);
#endif
#ifdef KERNEL_STACKS
    key.kernel_stack = stacks.get_stackid(ctx, 0);
    if (key.kernel_stack >= 0)
        key.kernel_ip = PT_REGS_IP(&ctx->regs);
#endif
    counts.atomic_increment(key);
    return 0;
}
"""

# The inode number of the first pid namespace is the same on every machine.
FIRST_PID_NAMESPACE = 0xEFFFFFFC


def options():
    p = tool.parser("Profile CPU usage by sampling stack traces at a timed interval", EXAMPLES)
    threads = p.add_mutually_exclusive_group()
    add = threads.add_argument
    add("-p", "--pid", type=tool.pids, help="profile these PIDs only, comma-separated")
    add("-L", "--tid", type=tool.pids, help="profile these TIDs only, comma-separated")
    stacks = p.add_mutually_exclusive_group()
    add = stacks.add_argument
    add("-U", "--user-stacks-only", action="store_true", help="no kernel stacks")
    add("-K", "--kernel-stacks-only", action="store_true", help="no user stacks")
    rate = p.add_mutually_exclusive_group()
    add = rate.add_argument
    add("-F", "--frequency", type=tool.whole, help="samples per second (49)")
    add("-c", "--count", type=tool.whole, help="one sample per this many events")
    add = p.add_argument
    add("-d", "--delimited", action="store_true", help="delimiter between kernel and user stacks")
    add("-a", "--annotations", action="store_true", help="add _[k] to kernel frames (folded)")
    add("-I", "--include-idle", action="store_true", help="sample the idle tasks too")
    add("-f", "--folded", action="store_true", help="one line per stack, for flame graphs")
    add("--hash-storage-size", type=tool.nonzero, default=40960,
        help="number of distinct stack and process pairs that can be kept (40960)")  # fmt: skip
    add("--stack-storage-size", type=tool.nonzero, default=16384,
        help="number of distinct stacks that can be kept (16384)")  # fmt: skip
    add("duration", nargs="?", type=tool.nonzero, default=tool.FOREVER, help="seconds to sample")
    add("-C", "--cpu", type=lambda text: tool.cpu(text, -1), default=-1, help="sample this CPU only")
    tool.add_containers(p)
    add("-A", "--address", action="store_true", help="show raw addresses")
    tool.add_json(p)
    return p.parse_args()


def cflags_for(args, namespace):
    flags = tool.switches({
        "FILTER_PID": args.pid is not None,
        "FILTER_TID": args.tid is not None,
        "WITH_IDLE": args.include_idle,
        "USER_STACKS": not args.kernel_stacks_only,
        "KERNEL_STACKS": not args.user_stacks_only,
        "OWN_NAMESPACE": namespace.st_ino != FIRST_PID_NAMESPACE,
    })
    if args.stack_storage_size != 16384:
        flags.append(f"-DSTACKS={args.stack_storage_size}")
    if args.hash_storage_size != 40960:
        flags.append(f"-DKEYS={args.hash_storage_size}")
    return flags


def start_line(args):
    rate = f"every {args.count} events" if args.count else f"{args.frequency or 49} Hertz"
    threads = "all threads"
    if args.pid is not None:
        threads = f"PID {args.pid}"
    elif args.tid is not None:
        threads = f"TID {args.tid}"
    stack = "user + kernel"
    if args.user_stacks_only:
        stack = "user"
    elif args.kernel_stacks_only:
        stack = "kernel"
    text = f"Sampling at {rate} of {threads} by {stack} stack"
    if args.cpu >= 0:
        text += f" on CPU#{args.cpu}"
    if args.duration < tool.FOREVER:
        return f"{text} for {args.duration} secs."
    return f"{text}... Hit Ctrl-C to end."


def attach(b, args):
    """Samples cycles, or where no counter has them, the CPU clock."""
    from bcc import PerfHWConfig, PerfSWConfig, PerfType

    rate = {"sample_period": args.count} if args.count else {"sample_freq": args.frequency or 49}
    try:
        b.attach_perf_event(
            ev_type=PerfType.HARDWARE, ev_config=PerfHWConfig.CPU_CYCLES,
            fn_name=b"sample", cpu=args.cpu, **rate,
        )  # fmt: skip
    except Exception:
        try:
            b.attach_perf_event(
                ev_type=PerfType.SOFTWARE, ev_config=PerfSWConfig.CPU_CLOCK,
                fn_name=b"sample", cpu=args.cpu, **rate,
            )  # fmt: skip
        except Exception as error:
            tool.fail(f"profile: {error}")


def stacks_of(b, args, key):
    """Addresses of the kernel and the user stack, innermost first; None for one that was lost."""
    kernel, user = [], []
    if not args.user_stacks_only:
        kernel = tool.stack_of(b[b"stacks"], key.kernel_stack)
        if kernel and key.kernel_ip and kernel[0] != key.kernel_ip:
            kernel.insert(0, key.kernel_ip)
    if not args.kernel_stacks_only:
        user = tool.stack_of(b[b"stacks"], key.user_stack)
    return kernel, user


def names_of(kernel, user, resolve_kernel, resolve_user):
    """Both stacks as text; the placeholder for a stack that was lost."""
    kernel_names = ["[Missed Kernel Stack]"]
    user_names = ["[Missed User Stack]"]
    if kernel is not None:
        kernel_names = [tool.text_of(resolve_kernel(address)) for address in kernel]
    if user is not None:
        user_names = [tool.text_of(resolve_user(address)) for address in user]
    return kernel_names, user_names


def print_folded(b, args, key, count, kernel, user):
    both = args.delimited and kernel != [] and user != []
    mark = "_[k]" if args.annotations else ""
    kernel_names, user_names = names_of(kernel, user, b.ksym, lambda at: b.sym(at, key.pid))
    if kernel is not None:
        kernel_names = [name + mark for name in kernel_names]
    middle = ["-"] if both else []
    comm = tool.text_of(key.comm)
    stack = ";".join([comm, *reversed(user_names), *middle, *reversed(kernel_names)])
    print(tool.one_line(f"{stack} {count}"))


def print_stack(b, args, key, count, kernel, user):
    kernel_names, user_names = full_names(b, key, kernel, user)
    if args.address:
        kernel_names = [
            f"0x{at:<16x} {name}" for at, name in zip(kernel or [], kernel_names, strict=False)
        ] or kernel_names
        user_names = [
            f"0x{at:016x} {name}" for at, name in zip(user or [], user_names, strict=False)
        ] or user_names
    both = args.delimited and kernel != [] and user != []
    for frame in [*kernel_names, *(["--"] if both else []), *user_names]:
        print(tool.one_line(f"    {frame}"))
    print(tool.one_line(f"    {'-':<16} {tool.text_of(key.comm)} ({key.pid})"))
    print(f"        {count}\n")


def full_names(b, key, kernel, user):
    return names_of(
        kernel, user,
        lambda at: b.ksym(at, show_module=True, show_offset=True),
        lambda at: b.sym(at, key.pid, show_module=True, show_offset=True),
    )  # fmt: skip


def record(b, key, count, kernel, user):
    kernel_names, user_names = full_names(b, key, kernel, user)
    return {
        "comm": tool.text_of(key.comm), "pid": key.pid, "count": count,
        "kernel_stack": None if kernel is None else kernel_names,
        "user_stack": None if user is None else user_names,
    }  # fmt: skip


def report(b, args):
    """Prints all stacks, the most frequent last; says on stderr which could not be kept."""
    lost, collided = 0, False
    entries = sorted(b[b"counts"].items(), key=lambda item: item[1].value)
    for key, count in entries:
        kernel, user = stacks_of(b, args, key)
        lost += (kernel is None) + (user is None)
        collided |= -errno.EEXIST in (key.kernel_stack, key.user_stack)
        if args.json:
            tool.print_json(record(b, key, count.value, kernel, user))
        elif args.folded:
            print_folded(b, args, key, count.value, kernel, user)
        else:
            print_stack(b, args, key, count.value, kernel, user)
    sys.stdout.flush()
    if lost:
        hint = " Consider increasing --stack-storage-size." if collided else ""
        print(f"WARNING: {lost} stack traces could not be displayed.{hint}", file=sys.stderr)
    if len(entries) >= args.hash_storage_size:
        print("WARNING: hash table full. Consider increasing --hash-storage-size.", file=sys.stderr)


def main():
    args = options()
    before, cflags = tool.container_text(args)
    text = before + TEXT
    tool.show_ebpf(args, text)
    namespace = os.stat("/proc/self/ns/pid")
    b = tool.load(text, cflags + cflags_for(args, namespace))
    tool.set_options(b, "options", ns_dev=namespace.st_dev, ns_ino=namespace.st_ino)
    tool.add_keys(b, "wanted", args.pid or args.tid or [])
    attach(b, args)
    quiet = args.folded or args.json
    if not quiet:
        tool.print_start(start_line(args))
    for _last in tool.intervals(args.duration, 1):
        for event in list(b.perf_event_fds):
            b.detach_perf_event(*event)
        if not quiet:
            print()
        report(b, args)


if __name__ == "__main__":
    tool.run(main)
