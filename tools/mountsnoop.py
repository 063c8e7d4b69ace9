#!/usr/bin/python3
"""mountsnoop: print each mount, umount and call of the newer mount API with its arguments.

Traces mount(2), umount2(2), fsopen(2), fsconfig(2), fsmount(2) and move_mount(2) through their
syscall tracepoints.
"""

from __future__ import annotations

import errno

from bcc import tool

EXAMPLES = """examples:
    ./mountsnoop                      # every mount and umount on the system
    ./mountsnoop -P                   # with the parent process
    ./mountsnoop --cgroupmap mappath  # only cgroups in this BPF map
    ./mountsnoop --mntnsmap mappath   # only mount namespaces in this BPF map
    ./mountsnoop --json               # an object a line, for programs"""

TEXT = r"""
#include <linux/sched.h>
#include <linux/nsproxy.h>
#include <linux/ns_common.h>

/* Characters kept of a string: of a path or file system, of an option, of a path to move. */
#define LONG_TEXT 412
#define OPTION_TEXT 32
#define MOVE_TEXT 128

enum kind { MOUNT, UMOUNT, FSOPEN, FSMOUNT, FSCONFIG, MOVE_MOUNT };

/* What a call said on entry, by thread. */
struct call {
    u64 kind;
    u64 args[5];
};
BPF_HASH(calls, u64, struct call);

struct event {
    u64 args[5];
    u32 kind;
    int ret;
    u32 pid;
    u32 tid;
    u32 ppid;
    u32 mnt_ns;
    char comm[TASK_COMM_LEN];
    char pcomm[TASK_COMM_LEN];
    /* The arguments that are strings, in their order. */
    char texts[4][LONG_TEXT + 4];
};
BPF_PERF_OUTPUT(events);
/* An event is larger than the stack. */
BPF_PERCPU_ARRAY(scratch, struct event, 1);

static int enter(u64 kind, u64 a, u64 b, u64 c, u64 d, u64 e)
{
#ifdef FILTER_CONTAINER
    if (container_should_be_filtered())
        return 0;
#endif
    u64 id = bpf_get_current_pid_tgid();
    struct call call = {.kind = kind, .args = {a, b, c, d, e}};
    calls.update(&id, &call);
    return 0;
}

/* The event of a call that returns, without its strings; 0 when its entry was not seen. */
static struct event *leave(u64 kind, long ret)
{
    u64 id = bpf_get_current_pid_tgid();
    struct call *call = calls.lookup(&id);
    if (!call)
        return 0;
    int zero = 0;
    struct event *e = scratch.lookup(&zero);
    if (!e || call->kind != kind) {
        calls.delete(&id);
        return 0;
    }
    __builtin_memcpy(e->args, call->args, sizeof(e->args));
    calls.delete(&id);
    e->kind = kind;
    e->ret = ret;
    e->pid = id >> 32;
    e->tid = id;
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct task_struct *parent = task->real_parent;
    e->ppid = parent->tgid;
    e->mnt_ns = task->nsproxy->mnt_ns->ns.inum;
    bpf_get_current_comm(e->comm, sizeof(e->comm));
    bpf_probe_read_kernel(e->pcomm, sizeof(e->pcomm), parent->comm);
    return e;
}

/* A string of the caller's and the byte that ends it; empty where there is none. */
#define READ(text, limit, from) \
    (text)[0] = 0; \
    bpf_probe_read_user_str(text, (limit) + 1, (void *)(from))

int enter_mount(struct tracepoint__syscalls__sys_enter_mount *args)
{
    return enter(MOUNT, (u64)args->dev_name, (u64)args->dir_name, (u64)args->type, args->flags,
                 (u64)args->data);
}

int exit_mount(struct tracepoint__syscalls__sys_exit_mount *args)
{
    struct event *e = leave(MOUNT, args->ret);
    if (!e)
        return 0;
    READ(e->texts[0], LONG_TEXT, e->args[0]);
    READ(e->texts[1], LONG_TEXT, e->args[1]);
    READ(e->texts[2], LONG_TEXT, e->args[2]);
    READ(e->texts[3], LONG_TEXT, e->args[4]);
    events.perf_submit(args, e, sizeof(*e));
    return 0;
}

int enter_umount(struct tracepoint__syscalls__sys_enter_umount *args)
{
    return enter(UMOUNT, (u64)args->name, args->flags, 0, 0, 0);
}

int exit_umount(struct tracepoint__syscalls__sys_exit_umount *args)
{
    struct event *e = leave(UMOUNT, args->ret);
    if (!e)
        return 0;
    READ(e->texts[0], LONG_TEXT, e->args[0]);
    events.perf_submit(args, e, sizeof(*e));
    return 0;
}

int enter_fsopen(struct tracepoint__syscalls__sys_enter_fsopen *args)
{
    return enter(FSOPEN, (u64)args->_fs_name, args->flags, 0, 0, 0);
}

int exit_fsopen(struct tracepoint__syscalls__sys_exit_fsopen *args)
{
    struct event *e = leave(FSOPEN, args->ret);
    if (!e)
        return 0;
    READ(e->texts[0], LONG_TEXT, e->args[0]);
    events.perf_submit(args, e, sizeof(*e));
    return 0;
}

int enter_fsmount(struct tracepoint__syscalls__sys_enter_fsmount *args)
{
    return enter(FSMOUNT, args->fs_fd, args->flags, args->attr_flags, 0, 0);
}

int exit_fsmount(struct tracepoint__syscalls__sys_exit_fsmount *args)
{
    struct event *e = leave(FSMOUNT, args->ret);
    if (e)
        events.perf_submit(args, e, sizeof(*e));
    return 0;
}

int enter_fsconfig(struct tracepoint__syscalls__sys_enter_fsconfig *args)
{
    return enter(FSCONFIG, args->fd, args->cmd, (u64)args->_key, (u64)args->_value, args->aux);
}

int exit_fsconfig(struct tracepoint__syscalls__sys_exit_fsconfig *args)
{
    struct event *e = leave(FSCONFIG, args->ret);
    if (!e)
        return 0;
    READ(e->texts[0], OPTION_TEXT, e->args[2]);
    READ(e->texts[1], OPTION_TEXT, e->args[3]);
    events.perf_submit(args, e, sizeof(*e));
    return 0;
}

int enter_move_mount(struct tracepoint__syscalls__sys_enter_move_mount *args)
{
    return enter(MOVE_MOUNT, args->from_dfd, (u64)args->from_pathname, args->to_dfd,
                 (u64)args->to_pathname, args->flags);
}

int exit_move_mount(struct tracepoint__syscalls__sys_exit_move_mount *args)
{
    struct event *e = leave(MOVE_MOUNT, args->ret);
    if (!e)
        return 0;
    READ(e->texts[0], MOVE_TEXT, e->args[1]);
    READ(e->texts[1], MOVE_TEXT, e->args[3]);
    events.perf_submit(args, e, sizeof(*e));
    return 0;
}
"""

# Names by bit number, as the kernel's uapi/linux/mount.h has them.
MOUNT_BITS = {
    0: "RDONLY", 1: "NOSUID", 2: "NODEV", 3: "NOEXEC", 4: "SYNCHRONOUS", 5: "REMOUNT",
    6: "MANDLOCK", 7: "DIRSYNC", 10: "NOATIME", 11: "NODIRATIME", 12: "BIND", 13: "MOVE",
    14: "REC", 15: "SILENT", 16: "POSIXACL", 17: "UNBINDABLE", 18: "PRIVATE", 19: "SLAVE",
    20: "SHARED", 21: "RELATIME", 22: "KERNMOUNT", 23: "I_VERSION", 24: "STRICTATIME",
    25: "LAZYTIME", 30: "ACTIVE", 31: "NOUSER",
}  # fmt: skip
MOUNT_FLAGS = {1 << bit: f"MS_{name}" for bit, name in MOUNT_BITS.items()}
# What old programs put into the upper half.
MAGIC, MAGIC_MASK = 0xC0ED0000, 0xFFFF0000
UMOUNT_FLAGS = {1: "MNT_FORCE", 2: "MNT_DETACH", 4: "MNT_EXPIRE", 8: "UMOUNT_NOFOLLOW"}
FSMOUNT_FLAGS = {1: "FSMOUNT_CLOEXEC"}
# The three bits of __ATIME are a number, not flags.
ATTRIBUTES = {
    0x1: "MOUNT_ATTR_RDONLY", 0x2: "MOUNT_ATTR_NOSUID", 0x4: "MOUNT_ATTR_NODEV",
    0x8: "MOUNT_ATTR_NOEXEC", 0x70: "MOUNT_ATTR__ATIME", 0x80: "MOUNT_ATTR_NODIRATIME",
    0x100000: "MOUNT_ATTR_IDMAP", 0x200000: "MOUNT_ATTR_NOSYMFOLLOW",
}  # fmt: skip
MOVE_FLAGS = {
    0x1: "MOVE_MOUNT_F_SYMLINKS", 0x2: "MOVE_MOUNT_F_AUTOMOUNTS", 0x4: "MOVE_MOUNT_F_EMPTY_PATH",
    0x10: "MOVE_MOUNT_T_SYMLINKS", 0x20: "MOVE_MOUNT_T_AUTOMOUNTS", 0x40: "MOVE_MOUNT_T_EMPTY_PATH",
    0x100: "MOVE_MOUNT_SET_GROUP", 0x200: "MOVE_MOUNT_BENEATH",
}  # fmt: skip
COMMANDS = """
    SET_FLAG SET_STRING SET_BINARY SET_PATH SET_PATH_EMPTY SET_FD
    CMD_CREATE CMD_RECONFIGURE CMD_CREATE_EXCL
""".split()
AT_FDCWD = -100
ESCAPES = dict(zip(b'\a\b\t\n\v\f\r"\\', 'abtnvfr"\\', strict=True))


def quoted(data):
    """Bytes as a C string."""
    text = ""
    for byte in data:
        if byte in ESCAPES:
            text += "\\" + ESCAPES[byte]
        else:
            text += chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
    return f'"{text}"'


def named(value, names):
    """Names of the bits that are set; what has no name, or no bit at all, in hexadecimal."""
    parts = [name for bits, name in names.items() if value & bits]
    for bits in names:
        value &= ~bits
    if value or not parts:
        parts.append(f"0x{value:x}")
    return "|".join(parts)


def mount_flags(value):
    if value & MAGIC_MASK == MAGIC:
        return "MS_MGC_VAL|" + named(value & ~MAGIC_MASK, MOUNT_FLAGS)
    return named(value, MOUNT_FLAGS)


def command(value):
    return f"FSCONFIG_{COMMANDS[value]}" if value < len(COMMANDS) else f"0x{value:x}"


def directory(value):
    return "AT_FDCWD" if value == AT_FDCWD else str(value)


def unsigned(value):
    return value & 0xFFFFFFFF


def signed(value):
    return (unsigned(value) ^ 1 << 31) - (1 << 31)


def whole(value):
    return value


# By number: a call's name, and for each argument its own, the C type as a function, and how it is
# shown. An argument without a type is a string.
TEXT_ARG = (None, quoted)
CALLS = [
    ("mount", {
        "source": TEXT_ARG, "target": TEXT_ARG, "type": TEXT_ARG,
        "flags": (whole, mount_flags), "data": TEXT_ARG,
    }),
    ("umount", {"target": TEXT_ARG, "flags": (unsigned, lambda v: named(v, UMOUNT_FLAGS))}),
    ("fsopen", {"fs": TEXT_ARG, "flags": (unsigned, mount_flags)}),
    ("fsmount", {
        "fs_fd": (signed, str), "flags": (unsigned, lambda v: named(v, FSMOUNT_FLAGS)),
        "attr_flags": (unsigned, lambda v: named(v, ATTRIBUTES)),
    }),
    ("fsconfig", {
        "fd": (signed, str), "cmd": (unsigned, command), "key": TEXT_ARG, "value": TEXT_ARG,
        "aux": (unsigned, str),
    }),
    ("move_mount", {
        "from_dfd": (signed, str), "from": TEXT_ARG, "to_dfd": (signed, directory),
        "to": TEXT_ARG, "flags": (unsigned, lambda v: named(v, MOVE_FLAGS)),
    }),
]  # fmt: skip


def arguments(event):
    """Name, value and shown text of each argument."""
    texts = iter(event.texts)
    found = []
    for number, (name, (kind, show)) in enumerate(CALLS[event.kind][1].items()):
        value = next(texts).value if kind is None else kind(event.args[number])
        found.append((name, value, show(value)))
    return found


def call_text(event):
    shown = ", ".join(text for _, _, text in arguments(event))
    name = errno.errorcode.get(-event.ret) if event.ret < 0 else None
    return f"{CALLS[event.kind][0]}({shown}) = {f'-{name}' if name else event.ret}"


def record(event):
    return {
        "comm": tool.text_of(event.comm), "pid": event.pid, "tid": event.tid,
        "pcomm": tool.text_of(event.pcomm), "ppid": event.ppid, "mnt_ns": event.mnt_ns,
        "call": CALLS[event.kind][0],
        "args": {
            name: tool.text_of(value) if isinstance(value, bytes) else value
            for name, value, _ in arguments(event)
        },
        "ret": event.ret,
    }  # fmt: skip


def columns(args, comm, pid, tid, pcomm, ppid, mnt_ns, call):
    parent = f"{pcomm:16} {ppid:<7} " if args.parent_process else ""
    return f"{comm:16} {pid:<7} {tid:<7} {parent}{mnt_ns:<11} {call}"


def options():
    p = tool.parser("Trace mount() and umount() syscalls", EXAMPLES)
    add = p.add_argument
    add("-P", "--parent_process", action="store_true", help="PCOMM and PPID columns")
    tool.add_containers(p)
    tool.add_json(p)
    return p.parse_args()


def main():
    args = options()
    before, cflags = tool.container_text(args)
    text = before + TEXT
    tool.show_ebpf(args, text)
    b = tool.load(text, cflags)
    names = [name for name, _ in CALLS]
    hooks = {f"syscalls:sys_exit_{name}": f"exit_{name}" for name in names}
    hooks |= {f"syscalls:sys_enter_{name}": f"enter_{name}" for name in names}
    if not tool.attach_tracepoints(b, hooks):
        tool.fail("mountsnoop: this kernel has no tracepoints for mount")

    def print_event(cpu, data, size):
        event = b[b"events"].event(data)
        if args.json:
            tool.print_json(record(event))
            return
        tool.print_row(columns(
            args, tool.text_of(event.comm), event.pid, event.tid, tool.text_of(event.pcomm),
            event.ppid, event.mnt_ns, call_text(event),
        ))  # fmt: skip

    b[b"events"].open_perf_buffer(print_event, page_cnt=64)
    if not args.json:
        tool.print_start(columns(args, "COMM", "PID", "TID", "PCOMM", "PPID", "MNT_NS", "CALL"))
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
