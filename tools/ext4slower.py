#!/usr/bin/python3
"""ext4slower: print the reads, writes, opens and fsyncs of ext4 that took long.

Traces the four file operations of ext4 with fentry and fexit, or with kprobes where the kernel
cannot.
"""

from __future__ import annotations

import os

from bcc import tool

EXAMPLES = """examples:
    ./ext4slower             # operations slower than 10 ms
    ./ext4slower 1           # slower than 1 ms
    ./ext4slower -j 1        # slower than 1 ms, as comma-separated values
    ./ext4slower 0           # every operation
    ./ext4slower -p 185      # only process 185
    ./ext4slower --json 1    # an object a line, for programs"""

TEXT = r"""
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/dcache.h>

/* Filled in before events are read. */
struct options {
    u64 min_us;
    u64 pid;
};
BPF_ARRAY(options, struct options, 1);

enum operation { READ, WRITE, OPEN, SYNC };

/* A write may sync within: a thread has one of each kind at a time. */
struct key {
    u64 id;
    u64 operation;
};

struct call {
    u64 ts;
    u64 offset;
    struct file *file;
};
BPF_HASH(calls, struct key, struct call);

struct event {
    u64 end_us;
    u64 latency_us;
    u64 offset;
    long ret;
    u32 pid;
    u32 operation;
    char comm[TASK_COMM_LEN];
    char name[DNAME_INLINE_LEN];
};
BPF_PERF_OUTPUT(events);

static int begins(u64 operation, struct file *file, u64 offset)
{
    struct key key = {.id = bpf_get_current_pid_tgid(), .operation = operation};
#ifdef FILTER_PID
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || key.id >> 32 != o->pid)
        return 0;
#endif
    struct call call = {.ts = bpf_ktime_get_ns(), .offset = offset, .file = file};
    calls.update(&key, &call);
    return 0;
}

static int ends(void *ctx, u64 operation, long ret)
{
    struct key key = {.id = bpf_get_current_pid_tgid(), .operation = operation};
    struct call *found = calls.lookup(&key);
    if (!found)
        return 0;
    struct call call = *found;
    calls.delete(&key);
    u64 now = bpf_ktime_get_ns();
    u64 latency_us = (now - call.ts) / 1000;
#ifdef SLOW_ONLY
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || latency_us <= o->min_us)
        return 0;
#endif
    struct dentry *dentry = call.file->f_path.dentry;
    if (!dentry->d_name.len)
        return 0;
    struct event e = {};
    e.end_us = now / 1000;
    e.latency_us = latency_us;
    e.offset = call.offset;
    e.ret = ret;
    e.pid = key.id >> 32;
    e.operation = operation;
    bpf_get_current_comm(e.comm, sizeof(e.comm));
    bpf_probe_read_kernel(e.name, sizeof(e.name), dentry->d_name.name);
    events.perf_submit(ctx, &e, sizeof(e));
    return 0;
}

#ifdef FENTRY
/* MODULE and the name that it stands for. */
#define ENTRY_IN(module, function, args...) MODULE_KFUNC_PROBE(module, function, ##args)
#define ENTRY(function, args...) ENTRY_IN(MODULE, function, ##args)
#define RETURN_IN(module, function, args...) MODULE_KRETFUNC_PROBE(module, function, ##args)
#define RETURN(function, args...) RETURN_IN(MODULE, function, ##args)

RETURN(ext4_file_read_iter, struct kiocb *iocb, struct iov_iter *to, long ret)
{
    return ends(ctx, READ, ret);
}

RETURN(ext4_file_write_iter, struct kiocb *iocb, struct iov_iter *from, long ret)
{
    return ends(ctx, WRITE, ret);
}

RETURN(ext4_file_open, struct inode *inode, struct file *file, int ret)
{
    return ends(ctx, OPEN, ret);
}

RETURN(ext4_sync_file, struct file *file, loff_t from, loff_t to, int data_only, int ret)
{
    return ends(ctx, SYNC, ret);
}

ENTRY(ext4_file_read_iter, struct kiocb *iocb, struct iov_iter *to)
{
    return begins(READ, iocb->ki_filp, iocb->ki_pos);
}

ENTRY(ext4_file_write_iter, struct kiocb *iocb, struct iov_iter *from)
{
    return begins(WRITE, iocb->ki_filp, iocb->ki_pos);
}

ENTRY(ext4_file_open, struct inode *inode, struct file *file)
{
    return begins(OPEN, file, 0);
}

ENTRY(ext4_sync_file, struct file *file, loff_t from, loff_t to, int data_only)
{
    return begins(SYNC, file, 0);
}
#else
int enter_read(struct pt_regs *ctx, struct kiocb *iocb)
{
    return begins(READ, iocb->ki_filp, iocb->ki_pos);
}

int enter_write(struct pt_regs *ctx, struct kiocb *iocb)
{
    return begins(WRITE, iocb->ki_filp, iocb->ki_pos);
}

int enter_open(struct pt_regs *ctx, struct inode *inode, struct file *file)
{
    return begins(OPEN, file, 0);
}

int enter_sync(struct pt_regs *ctx, struct file *file)
{
    return begins(SYNC, file, 0);
}

int exit_read(struct pt_regs *ctx)
{
    return ends(ctx, READ, PT_REGS_RC(ctx));
}

int exit_write(struct pt_regs *ctx)
{
    return ends(ctx, WRITE, PT_REGS_RC(ctx));
}

int exit_open(struct pt_regs *ctx)
{
    return ends(ctx, OPEN, (int)PT_REGS_RC(ctx));
}

int exit_sync(struct pt_regs *ctx)
{
    return ends(ctx, SYNC, (int)PT_REGS_RC(ctx));
}
#endif
"""
# By number.
OPERATIONS = "RWOS"
FUNCTIONS = {
    b"ext4_file_read_iter": "read", b"ext4_file_write_iter": "write",
    b"ext4_file_open": "open", b"ext4_sync_file": "sync",
}  # fmt: skip


def options():
    p = tool.parser("Trace ext4 operations slower than a threshold", EXAMPLES)
    add = p.add_argument
    add("-j", "--csv", action="store_true", help="comma-separated values")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("min_ms", nargs="?", default=10, type=tool.whole, help="least milliseconds (10), 0 for all")
    tool.add_json(p)
    return p.parse_args()


def load(args):
    """Compiles and attaches: fentry, or kprobes where the kernel or its ext4 has none."""
    flags = tool.switches({"FILTER_PID": args.pid is not None, "SLOW_ONLY": args.min_ms != 0})
    # A built-in ext4 has its types with the kernel's.
    module = "ext4" if os.path.exists("/sys/kernel/btf/ext4") else "vmlinux"
    b, used = tool.load_first(TEXT, [[*flags, "-DFENTRY", f"-DMODULE={module}"], flags])
    if used is not flags:
        return b
    try:
        for function, name in FUNCTIONS.items():
            b.attach_kretprobe(event=function, fn_name=f"exit_{name}".encode())
            b.attach_kprobe(event=function, fn_name=f"enter_{name}".encode())
    except Exception:
        if b.ksymname(b"ext4_file_read_iter") != -1:
            raise
        tool.fail("ERROR: no ext4_file_operations in /proc/kallsyms. Exiting.\n"
                  "HINT: the kernel should be built with CONFIG_KALLSYMS_ALL.")  # fmt: skip
    return b


def print_header(args):
    if args.csv:
        tool.print_start("ENDTIME_us,TASK,PID,TYPE,BYTES,OFFSET_b,LATENCY_us,FILE")
        return
    slower = f" slower than {args.min_ms} ms" if args.min_ms else ""
    tool.print_row(f"Tracing ext4 operations{slower}")
    tool.print_start(
        f"{'TIME':<8} {'COMM':<14} {'PID':<6} T {'BYTES':<7} {'OFF_KB':<8} {'LAT(ms)':>7} FILENAME"
    )


def row(args, event):
    comm, name = tool.text_of(event.comm), tool.path_of(event.name)
    kind, size = OPERATIONS[event.operation], event.ret & 0xFFFFFFFF
    if args.csv:
        return (
            f"{event.end_us},{comm},{event.pid},{kind},{size},{event.offset},"
            f"{event.latency_us},{name}"
        )
    return (
        f"{tool.clock():<8} {comm:<14.14} {event.pid:<6} {kind} {size:<7} "
        f"{event.offset // 1024:<8} {event.latency_us / 1000:>7.2f} {name}"
    )


def main():
    args = options()
    tool.show_ebpf(args, TEXT)
    b = load(args)
    tool.set_options(b, "options", min_us=min(args.min_ms * 1000, (1 << 64) - 1), pid=args.pid or 0)

    def print_event(cpu, data, size):
        event = b[b"events"].event(data)
        if args.json:
            tool.print_json({
                "time": tool.clock(), "end_us": event.end_us, "comm": tool.text_of(event.comm),
                "pid": event.pid, "type": OPERATIONS[event.operation], "ret": event.ret,
                "offset": event.offset, "latency_us": event.latency_us,
                "file": tool.text_of(event.name),
            })  # fmt: skip
            return
        tool.print_row(row(args, event))

    b[b"events"].open_perf_buffer(print_event, page_cnt=64)
    if not args.json:
        print_header(args)
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
