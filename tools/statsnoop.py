#!/usr/bin/python3
"""statsnoop: print each stat() with its file, result and caller.

Traces the calls of the stat family that take a path, through their syscall tracepoints.
"""

from __future__ import annotations

from bcc import tool

EXAMPLES = """examples:
    ./statsnoop         # every stat() on the system
    ./statsnoop -t      # with timestamps
    ./statsnoop -s      # with the name of the syscall
    ./statsnoop -x      # only those that failed
    ./statsnoop -p 181  # only process 181
    ./statsnoop --json  # an object a line, for programs"""

TEXT = r"""
#include <linux/sched.h>

#define PATH_SIZE 255

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
};
BPF_ARRAY(options, struct options, 1);

/* What a call said on entry, by thread. */
struct call {
    u64 path;
    u64 name;
};
BPF_HASH(calls, u64, struct call);

struct event {
    u64 ts;
    u32 pid;
    int ret;
    u32 name;
    char comm[TASK_COMM_LEN];
    char path[PATH_SIZE];
};
BPF_PERF_OUTPUT(events);

static int enter(u64 path, u64 name)
{
    u64 id = bpf_get_current_pid_tgid();
#ifdef FILTER_PID
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || id >> 32 != o->pid)
        return 0;
#endif
    struct call call = {};
    call.path = path;
    call.name = name;
    calls.update(&id, &call);
    return 0;
}

static int leave(void *ctx, int ret)
{
    u64 id = bpf_get_current_pid_tgid();
    struct call *call = calls.lookup(&id);
    if (!call)
        return 0;
    struct event e = {};
    e.ts = bpf_ktime_get_ns();
    e.pid = id >> 32;
    e.ret = ret;
    e.name = call->name;
    bpf_get_current_comm(e.comm, sizeof(e.comm));
    bpf_probe_read_user_str(e.path, sizeof(e.path), (void *)call->path);
    calls.delete(&id);
#ifdef FILTER_FAILED
    if (ret >= 0)
        return 0;
#endif
    events.perf_submit(ctx, &e, sizeof(e));
    return 0;
}

#ifdef HAVE_STATFS
int enter_statfs(struct tracepoint__syscalls__sys_enter_statfs *args)
{
    return enter((u64)args->pathname, 0);
}
int exit_statfs(struct tracepoint__syscalls__sys_exit_statfs *args)
{
    return leave(args, args->ret);
}
#endif
#ifdef HAVE_NEWSTAT
int enter_newstat(struct tracepoint__syscalls__sys_enter_newstat *args)
{
    return enter((u64)args->filename, 1);
}
int exit_newstat(struct tracepoint__syscalls__sys_exit_newstat *args)
{
    return leave(args, args->ret);
}
#endif
#ifdef HAVE_NEWLSTAT
int enter_newlstat(struct tracepoint__syscalls__sys_enter_newlstat *args)
{
    return enter((u64)args->filename, 2);
}
int exit_newlstat(struct tracepoint__syscalls__sys_exit_newlstat *args)
{
    return leave(args, args->ret);
}
#endif
#ifdef HAVE_NEWFSTATAT
int enter_newfstatat(struct tracepoint__syscalls__sys_enter_newfstatat *args)
{
    return enter((u64)args->filename, 3);
}
int exit_newfstatat(struct tracepoint__syscalls__sys_exit_newfstatat *args)
{
    return leave(args, args->ret);
}
#endif
#ifdef HAVE_STATX
int enter_statx(struct tracepoint__syscalls__sys_enter_statx *args)
{
    return enter((u64)args->filename, 4);
}
int exit_statx(struct tracepoint__syscalls__sys_exit_statx *args)
{
    return leave(args, args->ret);
}
#endif
"""
# In the order of the numbers above.
CALLS = ["statfs", "newstat", "newlstat", "newfstatat", "statx"]


def options():
    p = tool.parser("Trace stat() syscalls", EXAMPLES)
    add = p.add_argument
    add("-t", "--timestamp", action="store_true", help="column of seconds since the first event")
    add("-s", "--sysname", action="store_true", help="SYSCALL column")
    add("-x", "--failed", action="store_true", help="only failed stats")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    tool.add_json(p)
    return p.parse_args()


def header(args):
    pieces = [
        (args.timestamp, f"{'TIME(s)':<14}"),
        (True, f"{'PID':<7} {'COMM':<16} {'FD':>4} {'ERR':>3}"),
        (args.sysname, f" {'SYSCALL':<12}"),
        (True, " PATH"),
    ]
    return "".join(text for wanted, text in pieces if wanted)


def main():
    args = options()
    tool.show_ebpf(args, TEXT)

    from bcc import BPF

    present = [c for c in CALLS if BPF.tracepoint_exists("syscalls", f"sys_enter_{c}")]
    if not present:
        tool.fail("statsnoop: this kernel has no tracepoints for stat")
    switches = {f"HAVE_{c.upper()}": True for c in present}
    switches |= {"FILTER_PID": args.pid is not None, "FILTER_FAILED": args.failed}
    b = tool.load(TEXT, tool.switches(switches))
    tool.set_options(b, "options", pid=args.pid or 0)
    hooks = {f"syscalls:sys_exit_{c}": f"exit_{c}" for c in present}
    hooks |= {f"syscalls:sys_enter_{c}": f"enter_{c}" for c in present}
    tool.attach_tracepoints(b, hooks)
    first = None

    def print_event(cpu, data, size):
        nonlocal first
        event = b[b"events"].event(data)
        first = event.ts if first is None else first
        seconds = (event.ts - first) / 1e9
        fd, error = (event.ret, 0) if event.ret >= 0 else (-1, -event.ret)
        comm, call = tool.text_of(event.comm), CALLS[event.name]
        if args.json:
            tool.print_json({
                "time": seconds, "pid": event.pid, "comm": comm, "fd": fd, "err": error,
                "syscall": call, "path": tool.text_of(event.path),
            })  # fmt: skip
            return
        pieces = [
            (args.timestamp, f"{seconds:<14.9f}"),
            (True, f"{event.pid:<7d} {comm:<16} {fd:>4d} {error:>3d}"),
            (args.sysname, f" {call:<12}"),
            (True, f" {tool.path_of(event.path)}"),
        ]
        tool.print_row("".join(text for wanted, text in pieces if wanted))

    b[b"events"].open_perf_buffer(print_event, page_cnt=64)
    if not args.json:
        tool.print_start(header(args))
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
