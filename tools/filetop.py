#!/usr/bin/python3
"""filetop: which files are read and written most, by thread.

Traces read(2), pread64(2), write(2) and pwrite64(2) through their syscall tracepoints, or where
the kernel has none the functions behind them, vfs_read() and vfs_write(), with kprobes.
"""

from __future__ import annotations

import os
import sys

from bcc import tool

EXAMPLES = """examples:
    ./filetop                 # the top 20 files, every second
    ./filetop -C              # without clearing the screen
    ./filetop -p 181          # only process 181
    ./filetop -d /home/alice  # only files of this directory
    ./filetop -a              # sockets, FIFOs and devices too
    ./filetop -s reads        # sorted by the number of reads
    ./filetop --read-only     # only reads
    ./filetop -C 5 10         # ten reports of five seconds
    ./filetop --json 5        # an object a line, for programs"""

TEXT = r"""
#include <linux/fs.h>
#include <linux/fdtable.h>
#include <linux/sched.h>
#include <linux/dcache.h>
#include <linux/stat.h>

/* Filled in before the probes are attached. */
struct options {
    u64 directory;
    u32 pid;
    u32 pad;
};
BPF_ARRAY(options, struct options, 1);

struct key {
    u64 inode;
    u32 dev;
    u32 rdev;
    u32 tid;
    u32 name_len;
    char comm[TASK_COMM_LEN];
    /* And the byte that ends it. */
    char name[DNAME_INLINE_LEN + 8];
    u64 type;
};

struct sums {
    u64 reads;
    u64 writes;
    u64 rbytes;
    u64 wbytes;
};
BPF_HASH(counts, struct key, struct sums);

static int unwanted(u64 id)
{
#ifdef FILTER_PID
    int zero = 0;
    struct options *o = options.lookup(&zero);
    return !o || id >> 32 != o->pid;
#else
    return 0;
#endif
}

static int account(struct file *file, u64 size, int is_write)
{
    u64 id = bpf_get_current_pid_tgid();
    if (unwanted(id))
        return 0;
    struct dentry *dentry = file->f_path.dentry;
    struct inode *inode = file->f_inode;
    u32 mode = inode->i_mode;
    u32 length = dentry->d_name.len;
    if (!length)
        return 0;
#ifndef ALL_FILES
    if (!S_ISREG(mode))
        return 0;
#endif
#ifdef FILTER_DIRECTORY
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || dentry->d_parent->d_inode->i_ino != o->directory)
        return 0;
#endif
    struct key key = {};
    key.inode = inode->i_ino;
    key.dev = inode->i_sb->s_dev;
    key.rdev = inode->i_rdev;
    key.tid = id;
    key.name_len = length;
    bpf_get_current_comm(key.comm, sizeof(key.comm));
    bpf_probe_read_kernel_str(key.name, DNAME_INLINE_LEN + 1, dentry->d_name.name);
    key.type = S_ISREG(mode) ? 'R' : S_ISSOCK(mode) ? 'S' : 'O';
    struct sums none = {};
    struct sums *sums = counts.lookup_or_try_init(&key, &none);
    if (!sums)
        return 0;
    if (is_write) {
        sums->writes++;
        sums->wbytes += size;
    } else {
        sums->reads++;
        sums->rbytes += size;
    }
    return 0;
}

#ifdef SYSCALLS
static int account_fd(u32 fd, u64 size, int is_write)
{
    /* Before the walk from the task to its file. */
    if (unwanted(bpf_get_current_pid_tgid()))
        return 0;
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct fdtable *table = task->files->fdt;
    if (fd >= table->max_fds)
        return 0;
    struct file **files = table->fd;
    struct file *file = 0;
    bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
    return file ? account(file, size, is_write) : 0;
}

int enter_read(struct tracepoint__syscalls__sys_enter_read *args)
{
    return account_fd(args->fd, args->count, 0);
}

int enter_pread64(struct tracepoint__syscalls__sys_enter_pread64 *args)
{
    return account_fd(args->fd, args->count, 0);
}

int enter_write(struct tracepoint__syscalls__sys_enter_write *args)
{
    return account_fd(args->fd, args->count, 1);
}

int enter_pwrite64(struct tracepoint__syscalls__sys_enter_pwrite64 *args)
{
    return account_fd(args->fd, args->count, 1);
}
#else
int enter_vfs_read(struct pt_regs *ctx, struct file *file, char *to, size_t count)
{
    return account(file, count, 0);
}

int enter_vfs_write(struct pt_regs *ctx, struct file *file, char *from, size_t count)
{
    return account(file, count, 1);
}
#endif
"""
READS, WRITES = ["read", "pread64"], ["write", "pwrite64"]
NUMBERS = ["reads", "writes", "rbytes", "wbytes"]
# Where a name has always been marked as cut.
LONGEST_NAME = 32


def options():
    p = tool.parser("File reads and writes by process", EXAMPLES)
    add = p.add_argument
    add("-a", "--all-files", action="store_true", help="include sockets, FIFOs and so on")
    add("-C", "--noclear", action="store_true", help="don't clear the screen")
    add("-r", "--maxrows", type=tool.whole, default=20, help="rows of a report (20)")
    add("-s", "--sort", default="all", choices=["all", *NUMBERS], help="sort column (all)")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("--read-only", action="store_true", help="only reads")
    add("--write-only", action="store_true", help="only writes")
    add("-d", "--directory", help="only files that lie in this directory")
    tool.add_interval(p, 1)
    tool.add_json(p)
    args = p.parse_args()
    if args.read_only and args.write_only:
        tool.fail("Both read-only and write-only flags passed")
    return args


def inode_of(directory):
    try:
        return os.stat(os.path.join(directory, "")).st_ino
    except OSError as error:
        tool.fail(f"Error accessing directory {directory}: {error}")


def load(args, inode):
    """Compiles and attaches to the syscalls, or to what is behind them."""
    from bcc import BPF

    calls = ([] if args.write_only else READS) + ([] if args.read_only else WRITES)
    by_syscall = all(BPF.tracepoint_exists("syscalls", f"sys_enter_{call}") for call in calls)
    flags = tool.switches({
        "SYSCALLS": by_syscall, "ALL_FILES": args.all_files, "FILTER_PID": args.pid is not None,
        "FILTER_DIRECTORY": args.directory is not None,
    })  # fmt: skip
    b = tool.load(TEXT, flags)
    tool.set_options(b, "options", pid=args.pid or 0, directory=inode)
    if by_syscall:
        hooks = {f"syscalls:sys_enter_{call}": f"enter_{call}" for call in calls}
        tool.attach_tracepoints(b, hooks)
        return b
    if not args.write_only:
        b.attach_kprobe(event=b"vfs_read", fn_name=b"enter_vfs_read")
    if not args.read_only:
        b.attach_kprobe(event=b"vfs_write", fn_name=b"enter_vfs_write")
    return b


def sort_key(args):
    names = NUMBERS if args.sort == "all" else [args.sort]
    return lambda item: sum(getattr(item[1], name) for name in names)


def shown_name(key):
    name = tool.text_of(key.name)
    return f"{name[:-3]}..." if key.name_len > LONGEST_NAME else name


def print_json(rows):
    for key, sums in rows:
        tool.print_json({
            "time": tool.clock(), "tid": key.tid, "comm": tool.text_of(key.comm),
            **{name: getattr(sums, name) for name in NUMBERS},
            "type": chr(key.type), "file": tool.text_of(key.name), "inode": key.inode,
            "dev": [key.dev >> 20, key.dev & 0xFFFFF],
            "rdev": [key.rdev >> 20, key.rdev & 0xFFFFF],
        })  # fmt: skip


def print_report(args, rows):
    # A pipe has no screen to clear: its reports are set apart by an empty line.
    clear = sys.stdout.isatty() and not args.noclear
    print("\x1b[H\x1b[2J" if clear else "\n", end="")
    with open("/proc/loadavg") as loadavg:
        print(f"{tool.clock():<8} loadavg: {loadavg.read()}")
    print(f"{'TID':<7} {'COMM':<16} {'READS':<6} {'WRITES':<6} {'R_Kb':<7} {'W_Kb':<7} T FILE")
    for key, sums in rows:
        print(tool.one_line(
            f"{key.tid:<7} {tool.text_of(key.comm):<16} {sums.reads:<6} {sums.writes:<6} "
            f"{sums.rbytes // 1024:<7} {sums.wbytes // 1024:<7} {chr(key.type)} {shown_name(key)}"
        ))  # fmt: skip
    sys.stdout.flush()


def main():
    args = options()
    inode = 0
    if args.directory is not None:
        inode = inode_of(args.directory)
        if not args.json:
            tool.print_row(f"Tracing directory: {args.directory} (Inode: {inode})")
    tool.show_ebpf(args, TEXT)
    b = load(args, inode)
    counts = b[b"counts"].gains()
    if not args.json:
        tool.print_start(f"Tracing... Output every {args.interval} secs. Hit Ctrl-C to end")
    for _last in tool.intervals(args.interval, args.count):
        rows = sorted(counts.items(), key=sort_key(args), reverse=True)
        rows = rows[: args.maxrows]
        if args.json:
            print_json(rows)
        else:
            print_report(args, rows)
    if not args.json:
        print("Detaching...")


if __name__ == "__main__":
    tool.run(main)
