#!/usr/bin/python3
"""execsnoop: print each new program with its arguments.

Traces execve(2) through its syscall tracepoints, on any kernel that has them.
"""

from __future__ import annotations

import argparse
import pwd
import re
import sys
import time
from collections import defaultdict

from bcc import tool

EXAMPLES = """examples:
    ./execsnoop                      # every exec() that worked
    ./execsnoop -x                   # and those that failed
    ./execsnoop -T                   # with the time of day
    ./execsnoop -P 181               # only children of process 181
    ./execsnoop -U -u alice          # with user ids, only alice's
    ./execsnoop -q                   # arguments in quotation marks
    ./execsnoop -t                   # with seconds since the start
    ./execsnoop -n main              # only commands whose name holds "main"
    ./execsnoop -l tpkg              # only command lines that hold "tpkg"
    ./execsnoop --cgroupmap mappath  # only cgroups in this BPF map
    ./execsnoop --mntnsmap mappath   # only mount namespaces in this map
    ./execsnoop --json               # an object a line, for programs"""

TEXT = r"""
#include <linux/sched.h>

#define ARG_SIZE 128
#ifdef MANY_ARGS
#define ARGS_MAX 1024
#else
#define ARGS_MAX 64
#endif

/* Filled in before the probes are attached. */
struct options {
    u32 uid;
    u32 ppid;
    u32 max_args;
};
BPF_ARRAY(options, struct options, 1);

enum kind { ARG, TRUNCATED, RETURN };

struct event {
    u32 pid;
    u32 ppid;
    u32 uid;
    int kind;
    int ret;
    u32 cpu;
    char comm[TASK_COMM_LEN];
    char pcomm[TASK_COMM_LEN];
    char arg[ARG_SIZE];
};
/* One buffer for all processors: execve moves between them, and its return comes after its arguments. */
BPF_RINGBUF_OUTPUT(events, 256);
/* How many programs have arguments that found no room. */
BPF_ARRAY(lost, u64, 1);

static u32 parent_pid(void)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    return task->real_parent->tgid;
}

/* True when the calling process is not wanted. */
static int filtered(struct options *o)
{
#ifdef FILTER_UID
    if ((u32)bpf_get_current_uid_gid() != o->uid)
        return 1;
#endif
#ifdef FILTER_PPID
    if (parent_pid() != o->ppid)
        return 1;
#endif
#ifdef FILTER_CONTAINER
    if (container_should_be_filtered())
        return 1;
#endif
    return 0;
}

/* Sends one string of the new program; not 0 when it found no room. */
static long submit_arg(const char *from, struct event *e)
{
    e->kind = ARG;
    bpf_probe_read_user_str(e->arg, sizeof(e->arg), from);
    return bpf_ringbuf_output(&events, e, sizeof(*e), 0);
}

int enter_execve(struct tracepoint__syscalls__sys_enter_execve *args)
{
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || filtered(o))
        return 0;
    struct event e = {};
    e.pid = bpf_get_current_pid_tgid() >> 32;
    const char *const *argv = (const char *const *)args->argv;
    /* Without a branch on each, which the verifier would follow one by one. */
    long full = submit_arg((const char *)args->filename, &e);
    u32 i;
#pragma clang loop unroll(disable)
    for (i = 1; i < ARGS_MAX; i++) {
        const char *next = 0;
        bpf_probe_read_user(&next, sizeof(next), &argv[i]);
        if (!next)
            break;
        if (i >= o->max_args) {
            e.kind = TRUNCATED;
            full |= bpf_ringbuf_output(&events, &e, sizeof(e), 0);
            break;
        }
        full |= submit_arg(next, &e);
    }
    if (full)
        lost.atomic_increment(zero);
    return 0;
}

int exit_execve(struct tracepoint__syscalls__sys_exit_execve *args)
{
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || filtered(o))
        return 0;
    struct event e = {};
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    e.kind = RETURN;
    e.pid = bpf_get_current_pid_tgid() >> 32;
    e.ppid = parent_pid();
    e.uid = bpf_get_current_uid_gid();
    e.ret = args->ret;
    e.cpu = bpf_get_smp_processor_id();
    bpf_get_current_comm(e.comm, sizeof(e.comm));
    bpf_probe_read_kernel_str(e.pcomm, sizeof(e.pcomm), task->real_parent->comm);
    if (events.ringbuf_output(&e, sizeof(e), 0))
        lost.atomic_increment(zero);
    return 0;
}
"""
ARG, TRUNCATED, RETURN = range(3)
ARGS_MAX = 1024


def uid_of(text):
    """A user id from a number or a user's name; for `type=` of an option."""
    if text.isdigit():
        return tool.uid(text)
    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError:
        message = f"'{text}' is not valid UID or user entry"
        raise argparse.ArgumentTypeError(message) from None


def options():
    p = tool.parser("Trace exec() syscalls", EXAMPLES)
    add = p.add_argument
    add("-T", "--time", action="store_true", help="time of day column (HH:MM:SS)")
    add("-t", "--timestamp", action="store_true", help="column of seconds since the start")
    add("-x", "--fails", action="store_true", help="include failed exec()s")
    tool.add_containers(p)
    add("-u", "--uid", type=uid_of, metavar="USER", help="trace this UID only")
    add("-q", "--quote", action="store_true", help='put quotemarks (") around arguments')
    add("-n", "--name", help="only commands whose name matches this regular expression")
    add("-l", "--line", help="only command lines that match this regular expression")
    add("-U", "--print-uid", action="store_true", help="UID column")
    add("-C", "--print-cpu", action="store_true", help="CPU column")
    add("-M", "--print-pcomm", action="store_true", help="parent command column")
    add("--max-args", type=tool.whole, default=20, help="most fields shown, defaults to 20")
    add("-P", "--ppid", type=tool.pid, help="trace children of this parent PID only")
    tool.add_json(p)
    args = p.parse_args()
    for pattern in (args.name, args.line):
        try:
            re.compile(pattern or "")
        except re.error as error:
            p.error(f"bad regular expression {pattern!r}: {error}")
    return args


def header(args):
    pieces = [
        (args.time, f"{'TIME':<9}"),
        (args.timestamp, f"{'TIME(s)':<8}"),
        (args.print_uid, f"{'UID':<6}"),
        (True, f"{'COMM':<16} {'PID':<7} "),
        (args.print_pcomm, f"{'PCOMM':<16} "),
        (True, f"{'PPID':<7} "),
        (args.print_cpu, f"{'CPU':<4} "),
        (True, f"{'RET':>3} ARGS"),
    ]
    return "".join(text for wanted, text in pieces if wanted)


def row(args, start, event, ppid, line):
    pieces = [
        (args.time, f"{tool.clock():<9}"),
        (args.timestamp, f"{time.time() - start:<8.3f}"),
        (args.print_uid, f"{event.uid:<6d}"),
        (True, f"{tool.text_of(event.comm):<16} {event.pid:<7d} "),
        (args.print_pcomm, f"{tool.text_of(event.pcomm):<16} "),
        (True, f"{ppid:<7} "),
        (args.print_cpu, f"{event.cpu:<4d} "),
        (True, f"{event.ret:>3d} {line}"),
    ]
    return "".join(text for wanted, text in pieces if wanted)


def parent_of(pid):
    """The parent of a process from /proc, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", errors="replace") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("PPid:"))
    except (OSError, StopIteration):
        return 0


def quoted(text):
    return '"' + text.replace('"', '\\"') + '"'


def main():
    args = options()
    before, cflags = tool.container_text(args)
    text = before + TEXT
    tool.show_ebpf(args, text)
    cflags += tool.switches({
        "FILTER_UID": args.uid is not None, "FILTER_PPID": args.ppid is not None,
        "MANY_ARGS": args.max_args >= 64,
    })  # fmt: skip
    b = tool.load(text, cflags)
    tool.set_options(
        b, "options", uid=args.uid or 0, ppid=args.ppid or 0, max_args=max(min(args.max_args, ARGS_MAX), 1)
    )
    hooks = {
        "syscalls:sys_enter_execve": "enter_execve",
        "syscalls:sys_exit_execve": "exit_execve",
    }
    if len(tool.attach_tracepoints(b, hooks)) != len(hooks):
        tool.fail("execsnoop: this kernel has no tracepoints for execve")

    start = time.time()
    fields = defaultdict(list)  # of each pid whose execve has not returned

    def print_event(ctx, data, size):
        event = b[b"events"].event(data)
        if event.kind == ARG:
            fields[event.pid].append(event.arg)
            return
        if event.kind == TRUNCATED:
            fields[event.pid].append(b"...")
            return
        words = fields.pop(event.pid, [])
        if event.ret != 0 and not args.fails:
            return
        if args.name and not re.search(args.name, tool.text_of(event.comm)):
            return
        if args.line and not re.search(args.line, tool.text_of(b" ".join(words))):
            return
        ppid = event.ppid or parent_of(event.pid)
        if args.json:
            tool.print_json({
                "time": time.time(), "comm": tool.text_of(event.comm), "pid": event.pid,
                "pcomm": tool.text_of(event.pcomm), "ppid": ppid, "uid": event.uid, "cpu": event.cpu,
                "ret": event.ret, "args": [tool.text_of(word) for word in words],
            })  # fmt: skip
            return
        line = " ".join(map(quoted if args.quote else str, map(tool.path_of, words)))
        tool.print_row(row(args, start, event, ppid or "?", line))

    b[b"events"].open_ring_buffer(print_event)
    if not args.json:
        tool.print_start(header(args))
    told = 0

    def step():
        nonlocal told
        b.ring_buffer_poll()
        if (lost := b[b"lost"][0].value) > told:
            print(f"Possibly lost {lost - told} samples", file=sys.stderr)
            told = lost

    tool.poll(step)
    b.ring_buffer_consume()


if __name__ == "__main__":
    tool.run(main)
