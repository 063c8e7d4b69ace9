#!/usr/bin/python3
"""opensnoop: print each open() with its file, result and caller.

Traces open(2), openat(2) and openat2(2) through their syscall tracepoints.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
import time

from bcc import tool

EXAMPLES = """examples:
    ./opensnoop                        # every open() on the system
    ./opensnoop -T                     # with a timestamp
    ./opensnoop -U                     # with user ids
    ./opensnoop -x                     # only those that failed
    ./opensnoop -p 181                 # only process 181
    ./opensnoop -t 123                 # only thread 123
    ./opensnoop -u 1000                # only user 1000
    ./opensnoop -d 10                  # for ten seconds
    ./opensnoop -n main                # only commands whose name holds "main"
    ./opensnoop -e                     # with flags and mode
    ./opensnoop -f O_WRONLY -f O_RDWR  # only opens for writing
    ./opensnoop -F                     # with the caller's directory for relative paths
    ./opensnoop --exec ls /tmp         # only what this command opens
    ./opensnoop --cgroupmap mappath    # only cgroups in this BPF map
    ./opensnoop --mntnsmap mappath     # only mount namespaces in this map
    ./opensnoop --json                 # an object a line, for programs"""

TEXT = r"""
#include <linux/sched.h>
#include <linux/fs_struct.h>
#include <linux/dcache.h>
#include <linux/mount.h>
#include <uapi/linux/openat2.h>

#define PATH_SIZE 255
#define DEPTH_MAX 32
#ifndef BUFFER_PAGES
#define BUFFER_PAGES 64
#endif

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
    u32 tid;
    u32 uid;
    u32 flags;
};
BPF_ARRAY(options, struct options, 1);

/* What a call said on entry, by thread. */
struct call {
    u64 path;
    u32 flags;
    u32 mode;
};
BPF_HASH(calls, u64, struct call);

struct event {
    u64 id;
    u64 ts;
    u32 uid;
    int ret;
    u32 flags;
    u32 mode;
    u32 cwd_len;
    char comm[TASK_COMM_LEN];
    char name[PATH_SIZE];
};
BPF_RINGBUF_OUTPUT(events, BUFFER_PAGES);
/* How many of them found no room. */
BPF_ARRAY(lost, u64, 1);

#ifdef FULL_PATH
/* The caller's directory follows the event: names of its components, innermost first, each ended
   by a zero byte. It is too long for the stack. */
#define CWD_SIZE 8192
struct long_event {
    struct event e;
    char cwd[CWD_SIZE + 256];
    /* Always zero. A length of unknown origin is one state to the verifier, from a constant it
       would follow every length that a depth can have: 150,000 instructions instead of 5,000. */
    u32 start;
};
BPF_PERCPU_ARRAY(scratch, struct long_event, 1);

static u32 read_cwd(char *buf, u32 len)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct fs_struct *fs = 0;
    struct dentry *d = 0;
    struct vfsmount *vfs = 0;
    bpf_probe_read_kernel(&fs, sizeof(fs), &task->fs);
    bpf_probe_read_kernel(&d, sizeof(d), &fs->pwd.dentry);
    bpf_probe_read_kernel(&vfs, sizeof(vfs), &fs->pwd.mnt);
    struct mount *m = container_of(vfs, struct mount, mnt);
    len &= CWD_SIZE - 1;
#pragma clang loop unroll(disable)
    for (int i = 0; i < DEPTH_MAX; i++) {
        struct dentry *parent = 0, *root = 0;
        struct mount *above = 0;
        bpf_probe_read_kernel(&root, sizeof(root), &m->mnt.mnt_root);
        bpf_probe_read_kernel(&parent, sizeof(parent), &d->d_parent);
        if (d == root || d == parent) {
            bpf_probe_read_kernel(&above, sizeof(above), &m->mnt_parent);
            if (above == m)
                break;
            bpf_probe_read_kernel(&d, sizeof(d), &m->mnt_mountpoint);
            m = above;
            continue;
        }
        const unsigned char *name = 0;
        bpf_probe_read_kernel(&name, sizeof(name), &d->d_name.name);
        long n = bpf_probe_read_kernel_str(buf + len, 255, name);
        if (n <= 0)
            break;
        len = (len + (n & 0xff)) & (CWD_SIZE - 1);
        d = parent;
    }
    return len;
}
#endif

static int enter(u64 path, u32 flags, u32 mode)
{
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o)
        return 0;
    u64 id = bpf_get_current_pid_tgid();
#ifdef FILTER_PID
    if (id >> 32 != o->pid)
        return 0;
#endif
#ifdef FILTER_TID
    if ((u32)id != o->tid)
        return 0;
#endif
#ifdef FILTER_UID
    if ((u32)bpf_get_current_uid_gid() != o->uid)
        return 0;
#endif
#ifdef FILTER_FLAGS
    if (!(flags & o->flags))
        return 0;
#endif
#ifdef FILTER_CONTAINER
    if (container_should_be_filtered())
        return 0;
#endif
    struct call call = {};
    call.path = path;
    call.flags = flags;
    call.mode = mode;
    calls.update(&id, &call);
    return 0;
}

static int leave(int ret)
{
    u64 id = bpf_get_current_pid_tgid();
    struct call *call = calls.lookup(&id);
    if (!call)
        return 0;
#ifdef FILTER_FAILED
    if (ret >= 0) {
        calls.delete(&id);
        return 0;
    }
#endif
    int zero = 0;
#ifdef FULL_PATH
    struct long_event *l = scratch.lookup(&zero);
    if (!l)
        return 0;
    struct event *e = &l->e;
#else
    struct event on_stack = {};
    struct event *e = &on_stack;
#endif
    e->id = id;
    e->ts = bpf_ktime_get_ns();
    e->uid = bpf_get_current_uid_gid();
    e->ret = ret;
    e->flags = call->flags;
    e->mode = call->mode;
    e->cwd_len = 0;
    bpf_get_current_comm(e->comm, sizeof(e->comm));
    e->name[0] = 0;
    bpf_probe_read_user_str(e->name, sizeof(e->name), (void *)call->path);
    calls.delete(&id);
#ifdef FULL_PATH
    if (e->name[0] != '/')
        e->cwd_len = read_cwd(l->cwd, l->start);
    long full = events.ringbuf_output(e, sizeof(*e) + (e->cwd_len & (CWD_SIZE - 1)), 0);
#else
    long full = events.ringbuf_output(e, sizeof(*e), 0);
#endif
    if (full)
        lost.atomic_increment(zero);
    return 0;
}

#ifdef HAVE_OPEN
int enter_open(struct tracepoint__syscalls__sys_enter_open *args)
{
    return enter((u64)args->filename, args->flags, args->mode);
}

int exit_open(struct tracepoint__syscalls__sys_exit_open *args)
{
    return leave(args->ret);
}
#endif

int enter_openat(struct tracepoint__syscalls__sys_enter_openat *args)
{
    return enter((u64)args->filename, args->flags, args->mode);
}

int exit_openat(struct tracepoint__syscalls__sys_exit_openat *args)
{
    return leave(args->ret);
}

#ifdef HAVE_OPENAT2
int enter_openat2(struct tracepoint__syscalls__sys_enter_openat2 *args)
{
    struct open_how how = {};
    bpf_probe_read_user(&how, sizeof(how), (void *)args->how);
    return enter((u64)args->filename, how.flags, how.mode);
}

int exit_openat2(struct tracepoint__syscalls__sys_exit_openat2 *args)
{
    return leave(args->ret);
}
#endif
"""


def pages(text):
    """A size of a ring buffer; for `type=` of an option."""
    number = tool.nonzero(text)
    if number & (number - 1):
        raise argparse.ArgumentTypeError("must be a power of two")
    return number


def options():
    p = tool.parser("Trace open() syscalls", EXAMPLES)
    add = p.add_argument
    add("-T", "--timestamp", action="store_true", help="column of seconds since the first event")
    add("-U", "--print-uid", action="store_true", help="UID column")
    add("-x", "--failed", action="store_true", help="only failed opens")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("-t", "--tid", type=tool.pid, help="trace this TID only")
    tool.add_containers(p)
    add("-u", "--uid", type=tool.uid, help="trace this UID only")
    add("-d", "--duration", type=tool.nonzero, help="total duration of the trace in seconds")
    add("-n", "--name", help="only commands whose name holds this")
    add("-e", "--extended_fields", action="store_true", help="FLAGS and MODE columns")
    add("-f", "--flag_filter", action="append", default=[], help="filter on flags, e.g. O_WRONLY")
    add("-F", "--full-path", action="store_true", help="show the full path for relative ones")
    add("-b", "--buffer-pages", type=pages, default=64, help="pages of the ring buffer (64)")
    add("--exec", nargs=argparse.REMAINDER, dest="command", metavar="CMD",
        help="run this command and trace it only")  # fmt: skip
    tool.add_json(p)
    return p.parse_args()


def wanted_flags(names):
    """The flags of all -f options together; ends the tool for a name the system has not."""
    flags = 0
    for name in names:
        value = getattr(os, name, None)
        if not name.startswith("O_") or not isinstance(value, int):
            tool.fail(f"Bad flag: {name}")
        flags |= value
    return flags


def cflags_for(args, exists):
    flags = tool.switches({
        "FILTER_TID": args.tid is not None,
        "FILTER_PID": args.pid is not None and args.tid is None,
        "FILTER_UID": args.uid is not None,
        "FILTER_FLAGS": args.flag_filter,
        "FILTER_FAILED": args.failed,
        "FULL_PATH": args.full_path,
        "HAVE_OPEN": exists("syscalls", "sys_enter_open"),
        "HAVE_OPENAT2": exists("syscalls", "sys_enter_openat2"),
    })
    if args.buffer_pages != 64:
        flags.append(f"-DBUFFER_PAGES={args.buffer_pages}")
    return flags


def start_command(args):
    """Starts the command of --exec, held back until `cmd_ready`; its pid becomes the filter."""
    from bcc.exec import run_cmd

    if not args.command:
        tool.fail("ERROR: --exec without command. Exiting.")
    if args.pid is not None:
        tool.fail("ERROR: can only use -p or --exec. Exiting.")
    args.pid = run_cmd(args.command)


def header(args):
    who = "TID" if args.tid is not None else "PID"
    pieces = [
        (args.timestamp, f"{'TIME(s)':<14}"),
        (args.print_uid, f"{'UID':<6}"),
        (True, f"{who:<6} {'COMM':<16} {'FD':>4} {'ERR':>3} "),
        (args.extended_fields, f"{'FLAGS':<8} {'MODE':<4} "),
        (True, "PATH"),
    ]
    return "".join(text for wanted, text in pieces if wanted)


def flags_and_mode(flags, mode):
    if mode == 0 and not flags & (os.O_CREAT | os.O_TMPFILE):
        return f"{flags:08o} n/a  "
    return f"{flags:08o} {mode:04o} "


def full_path(name, cwd):
    if name.startswith(b"/"):
        return name
    parts = [part for part in reversed(cwd.split(b"\0")) if part]
    return b"/" + b"/".join([*parts, name])


def until(args):
    """What ends the trace besides Ctrl-C, or None. Lets the command of --exec go."""
    if args.command is not None:
        from bcc.exec import cmd_exited, cmd_ready

        cmd_ready()
        return cmd_exited
    if args.duration is not None:
        end = time.monotonic() + args.duration
        return lambda: time.monotonic() >= end
    return None


def main():
    args = options()
    flags = wanted_flags(args.flag_filter)
    before, cflags = tool.container_text(args)
    text = before + TEXT
    tool.show_ebpf(args, text)
    if args.command is not None:
        start_command(args)

    from bcc import BPF

    b = tool.load(text, cflags + cflags_for(args, BPF.tracepoint_exists))
    tool.set_options(
        b, "options", pid=args.pid or 0, tid=args.tid or 0, uid=args.uid or 0, flags=flags
    )
    hooks = {}
    for call in ("open", "openat", "openat2"):
        hooks[f"syscalls:sys_exit_{call}"] = f"exit_{call}"
        hooks[f"syscalls:sys_enter_{call}"] = f"enter_{call}"
    if not tool.attach_tracepoints(b, hooks):
        tool.fail("opensnoop: this kernel has no tracepoints for open")
    first = None

    def print_event(ctx, data, size):
        nonlocal first
        event = b[b"events"].event(data)
        first = event.ts if first is None else first
        comm, name = tool.text_of(event.comm), event.name
        if args.name and args.name not in comm:
            return
        if args.full_path:
            cwd = ctypes.string_at(data + size - event.cwd_len, event.cwd_len)
            name = full_path(name, cwd)
        fd, error = (event.ret, 0) if event.ret >= 0 else (-1, -event.ret)
        pid, tid = event.id >> 32, event.id & 0xFFFFFFFF
        if args.json:
            tool.print_json({
                "time": (event.ts - first) // 1000 / 1e6, "uid": event.uid, "pid": pid, "tid": tid,
                "comm": comm, "fd": fd, "err": error, "flags": event.flags, "mode": event.mode,
                "path": tool.text_of(name),
            })  # fmt: skip
            return
        line = ""
        if args.timestamp:
            line += f"{(event.ts - first) // 1000 / 1e6:<14.9f}"
        if args.print_uid:
            line += f"{event.uid:<6d}"
        line += f"{tid if args.tid is not None else pid:<6d} {comm:<16} {fd:>4d} {error:>3d} "
        if args.extended_fields:
            line += flags_and_mode(event.flags, event.mode)
        tool.print_row(line + tool.path_of(name))

    b[b"events"].open_ring_buffer(print_event)
    if not args.json:
        tool.print_start(header(args))
    ended = until(args)
    told = 0

    def step():
        nonlocal told
        b.ring_buffer_poll(-1 if ended is None else 100)
        lost = b[b"lost"][0].value
        if lost > told:
            print(f"Possibly lost {lost - told} samples", file=sys.stderr)
            told = lost

    tool.poll(step, ended)
    b.ring_buffer_consume()


if __name__ == "__main__":
    tool.run(main)
