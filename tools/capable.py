#!/usr/bin/python3
"""capable: print each check for a capability.

Traces the kernel's cap_capable() with fentry, or with a kprobe where the kernel cannot. Where it can
neither, the tracepoint in that function (since v6.14) is taken, which does not know whether a check
was to be audited: AUDIT and INSETID are then N/A, and no check is left out.
"""

from __future__ import annotations

import errno
import os
from functools import partial

from bcc import tool

EXAMPLES = """examples:
    ./capable                      # every check for a capability
    ./capable -v                   # also those that are not audited
    ./capable -p 181               # only task 181
    ./capable -K                   # with kernel stacks
    ./capable -U                   # with user stacks
    ./capable -x                   # with TID and INSETID columns
    ./capable --unique             # each capability once for each process
    ./capable --cgroupmap mappath  # only cgroups in this BPF map
    ./capable --mntnsmap mappath   # only mount namespaces in this map
    ./capable --json               # an object a line, for programs"""

TEXT = r"""
#include <linux/sched.h>

/* Bits of cap_capable()'s opts, since v5.1 (c1a85a00ea66), and one for opts that are not known. */
#define NOAUDIT 2
#define INSETID 4
#define UNKNOWN 0x80000000

/* Filled in before a check counts. */
struct options {
    u32 task;
    u32 self;
};
BPF_ARRAY(options, struct options, 1);

struct event {
    u32 pid;
    u32 tid;
    u32 uid;
    int cap;
    u32 opts;
    int kernel_stack;
    int user_stack;
    char comm[TASK_COMM_LEN];
};
BPF_PERF_OUTPUT(events);

#if defined(KERNEL_STACKS) || defined(USER_STACKS)
BPF_STACK_TRACE(stacks, 2048);
#endif

#ifdef UNIQUE
struct seen_key {
    u32 pid;
    int cap;
    int kernel_stack;
    int user_stack;
};
BPF_HASH(seen, struct seen_key, u64);
#endif

static int check(void *ctx, int cap, unsigned int opts)
{
    int zero = 0;
    struct options *o = options.lookup(&zero);
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    u32 tid = bpf_get_current_pid_tgid();
    if (!o || !o->self || pid == o->self)
        return 0;
#ifdef FILTER_TASK
    if (tid != o->task)
        return 0;
#endif
#ifdef FILTER_CONTAINER
    if (container_should_be_filtered())
        return 0;
#endif
#ifndef VERBOSE
    if (opts & NOAUDIT)
        return 0;
#endif
    struct event e = {};
    e.pid = pid;
    e.tid = tid;
    e.uid = bpf_get_current_uid_gid();
    e.cap = cap;
    e.opts = opts;
#ifdef KERNEL_STACKS
    e.kernel_stack = stacks.get_stackid(ctx, 0);
#endif
#ifdef USER_STACKS
    e.user_stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);
#endif
#ifdef UNIQUE
    struct seen_key key = {};
    key.pid = pid;
    key.cap = cap;
    key.kernel_stack = e.kernel_stack;
    key.user_stack = e.user_stack;
    u64 one = 1;
    if (seen.insert(&key, &one))
        return 0;
#endif
    bpf_get_current_comm(e.comm, sizeof(e.comm));
    events.perf_submit(ctx, &e, sizeof(e));
    return 0;
}

#ifdef FENTRY
KFUNC_PROBE(cap_capable, const struct cred *cred, struct user_namespace *ns, int cap,
            unsigned int opts)
{
    return check(ctx, cap, opts);
}
#elif defined(TRACEPOINT)
int checked(struct tracepoint__capability__cap_capable *args)
{
    return check(args, args->cap, UNKNOWN);
}
#else
int enter_cap_capable(struct pt_regs *ctx, const struct cred *cred, struct user_namespace *ns,
                      int cap, unsigned int opts)
{
    return check(ctx, cap, opts);
}
#endif
"""
NOAUDIT, INSETID, UNKNOWN = 2, 4, 0x80000000
# There in kernels that have kprobes.
KPROBES = "/sys/bus/event_source/devices/kprobe"
# By number, as the kernel's uapi/linux/capability.h has them.
CAPABILITIES = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
    SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
    SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
""".split()


def options():
    p = tool.parser("Trace security capability checks", EXAMPLES)
    add = p.add_argument
    add("-v", "--verbose", action="store_true", help="include non-audit checks")
    add("-p", "--pid", type=tool.pid, help="trace this task only")
    add("-K", "--kernel-stack", action="store_true", help="output the kernel stack of each check")
    add("-U", "--user-stack", action="store_true", help="output the user stack of each check")
    add("-x", "--extra", action="store_true", help="TID and INSETID columns")
    tool.add_containers(p)
    add("--unique", action="store_true", help="each capability once for each process")
    tool.add_json(p)
    return p.parse_args()


def capability(number):
    return f"CAP_{CAPABILITIES[number]}" if 0 <= number < len(CAPABILITIES) else "?"


def header(args):
    if args.extra:
        return (
            f"{'TIME':<9} {'UID':<6} {'PID':<6} {'TID':<6} {'COMM':<16} {'CAP':<4} {'NAME':<20} "
            f"{'AUDIT':<6} INSETID"
        )
    return f"{'TIME':<9} {'UID':<6} {'PID':<6} {'COMM':<16} {'CAP':<4} {'NAME':<20} {'AUDIT':<6}"


def audit_and_insetid(event):
    """Whether the check was to be audited, and for a setid call; None for what is not known."""
    if event.opts & UNKNOWN:
        return None, None
    return not event.opts & NOAUDIT, bool(event.opts & INSETID)


def row(args, event):
    # PID has always been the thread's id in this tool, and TID the process's.
    extra = f" {event.pid:<6d}" if args.extra else ""
    audit, insetid = ("N/A" if v is None else int(v) for v in audit_and_insetid(event))
    line = (
        f"{tool.clock():<9} {event.uid:<6d} {event.tid:<6d}{extra} "
        f"{tool.text_of(event.comm):<16} {event.cap:<4d} {capability(event.cap):<20} {audit:<6}"
    )
    return f"{line} {insetid}" if args.extra else line


def stack(b, kind, stack_id, pid):
    """Frames of a stack as text, innermost first."""
    if stack_id == -errno.EFAULT:
        return []
    if stack_id < 0:
        return [f"[Missed {kind} Stack]"]
    addresses = list(b[b"stacks"].walk(stack_id))
    if kind == "User":
        return [tool.text_of(b.sym(a, pid, show_module=True, show_offset=True)) for a in addresses]
    frames = [tool.text_of(b.ksym(a, show_module=True, show_offset=True)) for a in addresses]
    # What a fentry program runs in lies above the function.
    traced = (number for number, f in enumerate(frames) if f.startswith("cap_capable+"))
    return frames[next(traced, 0) :]


def stacks_of(b, args, event):
    stacks = {}
    if args.kernel_stack:
        stacks["kernel_stack"] = stack(b, "Kernel", event.kernel_stack, event.pid)
    if args.user_stack:
        stacks["user_stack"] = stack(b, "User", event.user_stack, event.pid)
    return stacks


def load(args, text, cflags):
    """Compiles and attaches: fentry, or a kprobe, or what is left."""
    from bcc import BPF

    flags = cflags + tool.switches({
        "VERBOSE": args.verbose, "FILTER_TASK": args.pid is not None,
        "KERNEL_STACKS": args.kernel_stack, "USER_STACKS": args.user_stack,
        "UNIQUE": args.unique,
    })  # fmt: skip
    variants = [[*flags, "-DFENTRY"], flags]
    if not os.path.exists(KPROBES) and BPF.tracepoint_exists("capability", "cap_capable"):
        variants.insert(1, [*flags, "-DTRACEPOINT"])
    b, used = tool.load_first(text, variants)
    tool.set_options(b, "options", task=args.pid or 0, self=os.getpid())
    if used is flags:
        b.attach_kprobe(event=b"cap_capable", fn_name=b"enter_cap_capable")
    elif "-DTRACEPOINT" in used:
        tool.attach_tracepoints(b, {"capability:cap_capable": "checked"})
    return b


def main():
    args = options()
    before, cflags = tool.container_text(args)
    text = before + TEXT
    tool.show_ebpf(args, text)
    b = load(args, text, cflags)

    def print_event(cpu, data, size):
        event = b[b"events"].event(data)
        if args.json:
            audit, insetid = audit_and_insetid(event)
            tool.print_json({
                "time": tool.clock(), "uid": event.uid, "pid": event.pid, "tid": event.tid,
                "comm": tool.text_of(event.comm), "cap": event.cap, "name": capability(event.cap),
                "audit": audit, "insetid": insetid,
                **stacks_of(b, args, event),
            })  # fmt: skip
            return
        tool.print_row(row(args, event))
        for frame in [f for frames in stacks_of(b, args, event).values() for f in frames]:
            tool.print_row(" " * 8 + frame)

    if args.kernel_stack:
        # Reading the kernel's symbols takes long; not when the first event is there.
        b.ksym(0)
    b[b"events"].open_perf_buffer(partial(tool.unbroken, print_event), page_cnt=64)
    if not args.json:
        tool.print_start(header(args))
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
