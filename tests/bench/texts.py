"""C texts that any `bcc` takes: what tools of the kinds named need, in headers and in work.

No function has a name that is attached by itself, so that constructing is compiling and nothing else.
"""

HELLO = r"""
int hello(void *ctx)
{
    bpf_trace_printk("Hello, World!\n");
    return 0;
}
"""

SCHED = r"""
#include <linux/sched.h>

struct start_t {
    u32 pid;
    u32 tgid;
    u64 at;
    char comm[TASK_COMM_LEN];
};
BPF_HASH(starts, u32, struct start_t);

int on_wake(struct pt_regs *ctx, struct task_struct *task)
{
    struct start_t start = {};
    start.pid = task->pid;
    start.tgid = task->tgid;
    start.at = bpf_ktime_get_ns();
    bpf_get_current_comm(&start.comm, sizeof(start.comm));
    starts.update(&start.pid, &start);
    return 0;
}
"""

OPENSNOOP = r"""
#include <uapi/linux/ptrace.h>
#include <uapi/linux/limits.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

struct begun_t {
    const char *name;
    int flags;
};
struct event_t {
    u64 at;
    u32 pid;
    u32 uid;
    int ret;
    int flags;
    char comm[TASK_COMM_LEN];
    char name[NAME_MAX];
};
BPF_HASH(begun, u64, struct begun_t);
BPF_PERF_OUTPUT(events);

int on_enter(struct pt_regs *ctx, int dfd, const char *name, int flags)
{
    u64 id = bpf_get_current_pid_tgid();
    struct begun_t value = {.name = name, .flags = flags};
    begun.update(&id, &value);
    return 0;
}

int on_return(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    struct begun_t *value = begun.lookup(&id);
    if (!value)
        return 0;
    struct event_t event = {};
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    bpf_probe_read_user_str(&event.name, sizeof(event.name), value->name);
    event.at = bpf_ktime_get_ns() / 1000;
    event.pid = id >> 32;
    event.uid = bpf_get_current_uid_gid();
    event.flags = value->flags;
    event.ret = PT_REGS_RC(ctx);
    events.perf_submit(ctx, &event, sizeof(event));
    begun.delete(&id);
    return 0;
}
"""

OFFCPUTIME = r"""
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>

struct key_t {
    u64 pid;
    u64 tgid;
    int user_stack;
    int kernel_stack;
    char comm[TASK_COMM_LEN];
};
BPF_HASH(counts, struct key_t);
BPF_HASH(start, u32);
BPF_STACK_TRACE(stacks, 16384);

int on_switch(struct pt_regs *ctx, struct task_struct *prev)
{
    u32 pid = prev->pid, tgid = prev->tgid;
    u64 at = bpf_ktime_get_ns();
    if (!(prev->flags & PF_KTHREAD))
        start.update(&pid, &at);
    pid = bpf_get_current_pid_tgid();
    tgid = bpf_get_current_pid_tgid() >> 32;
    u64 *since = start.lookup(&pid);
    if (!since)
        return 0;
    u64 delta = (bpf_ktime_get_ns() - *since) / 1000;
    start.delete(&pid);
    struct key_t key = {};
    key.pid = pid;
    key.tgid = tgid;
    key.user_stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);
    key.kernel_stack = stacks.get_stackid(ctx, 0);
    bpf_get_current_comm(&key.comm, sizeof(key.comm));
    counts.increment(key, delta);
    return 0;
}
"""

BIOLATENCY = r"""
#include <uapi/linux/ptrace.h>
#include <linux/blk-mq.h>

struct key_t {
    u64 flags;
    u64 slot;
};
BPF_HASH(start, struct request *);
BPF_HISTOGRAM(dist, struct key_t);

int on_start(struct pt_regs *ctx, struct request *req)
{
    u64 at = bpf_ktime_get_ns();
    start.update(&req, &at);
    return 0;
}

int on_done(struct pt_regs *ctx, struct request *req)
{
    u64 *since = start.lookup(&req);
    if (!since)
        return 0;
    u64 delta = bpf_ktime_get_ns() - *since;
    struct key_t key = {.flags = req->cmd_flags, .slot = bpf_log2l(delta / 1000)};
    dist.atomic_increment(key);
    start.delete(&req);
    return 0;
}
"""

RUNQLAT = r"""
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/init_task.h>
#include <linux/blk-mq.h>

struct key_t {
    u32 level;
    u64 slot;
};
BPF_HASH(start, u32);
BPF_HISTOGRAM(dist, struct key_t);

int on_wake(struct pt_regs *ctx, struct task_struct *task)
{
    u32 pid = task->pid;
    u64 at = bpf_ktime_get_ns();
    if (task->tgid && pid)
        start.update(&pid, &at);
    return 0;
}

int on_switch(struct pt_regs *ctx, struct task_struct *prev)
{
    u32 pid = bpf_get_current_pid_tgid();
    u64 *since = start.lookup(&pid);
    if (!since)
        return 0;
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct key_t key = {.level = task->nsproxy->pid_ns_for_children->level};
    key.slot = bpf_log2l((bpf_ktime_get_ns() - *since) / 1000);
    dist.increment(key);
    start.delete(&pid);
    return 0;
}
"""

TCPCONNECT = r"""
#include <uapi/linux/ptrace.h>
#include <net/sock.h>
#include <bcc/proto.h>

struct event_t {
    u64 at;
    u32 pid;
    u32 uid;
    u32 saddr;
    u32 daddr;
    u16 lport;
    u16 dport;
    char comm[TASK_COMM_LEN];
};
BPF_HASH(connecting, u32, struct sock *);
BPF_PERF_OUTPUT(events);

int on_connect(struct pt_regs *ctx, struct sock *sk)
{
    u32 tid = bpf_get_current_pid_tgid();
    connecting.update(&tid, &sk);
    return 0;
}

int on_return(struct pt_regs *ctx)
{
    u32 tid = bpf_get_current_pid_tgid();
    struct sock **found = connecting.lookup(&tid);
    if (!found)
        return 0;
    struct sock *sk = *found;
    struct event_t event = {.pid = bpf_get_current_pid_tgid() >> 32};
    event.at = bpf_ktime_get_ns() / 1000;
    event.uid = bpf_get_current_uid_gid();
    event.saddr = sk->__sk_common.skc_rcv_saddr;
    event.daddr = sk->__sk_common.skc_daddr;
    event.lport = sk->__sk_common.skc_num;
    event.dport = ntohs(sk->__sk_common.skc_dport);
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    events.perf_submit(ctx, &event, sizeof(event));
    connecting.delete(&tid);
    return 0;
}
"""

TCPTOP = r"""
#include <uapi/linux/ptrace.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <bcc/proto.h>

struct key_t {
    u32 pid;
    char name[TASK_COMM_LEN];
    u32 saddr;
    u32 daddr;
    u16 lport;
    u16 dport;
};
BPF_HASH(sent, struct key_t);
BPF_HASH(received, struct key_t);

static void fill(struct key_t *key, struct sock *sk)
{
    key->pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&key->name, sizeof(key->name));
}

int on_send(struct pt_regs *ctx, struct sock *sk, struct msghdr *msg, size_t size)
{
    u16 family = sk->__sk_common.skc_family;
    if (family != AF_INET)
        return 0;
    struct key_t key = {};
    fill(&key, sk);
    key.saddr = sk->__sk_common.skc_rcv_saddr;
    key.daddr = sk->__sk_common.skc_daddr;
    key.lport = sk->__sk_common.skc_num;
    key.dport = ntohs(sk->__sk_common.skc_dport);
    sent.increment(key, size);
    return 0;
}

int on_receive(struct pt_regs *ctx, struct sock *sk, int copied)
{
    u16 family = sk->__sk_common.skc_family;
    if (copied <= 0 || family != AF_INET)
        return 0;
    struct key_t key = {};
    fill(&key, sk);
    key.saddr = sk->__sk_common.skc_rcv_saddr;
    key.daddr = sk->__sk_common.skc_daddr;
    key.lport = sk->__sk_common.skc_num;
    key.dport = ntohs(sk->__sk_common.skc_dport);
    received.increment(key, copied);
    return 0;
}
"""

COLD = {
    "hello": HELLO,
    "sched.h": SCHED,
    "opensnoop": OPENSNOOP,
    "offcputime": OFFCPUTIME,
    "biolatency": BIOLATENCY,
    "runqlat": RUNQLAT,
    "tcpconnect": TCPCONNECT,
    "tcptop": TCPTOP,
}

# One event per getppid(2), of a program that needs much of the kernel's headers, or little.
EVENT = r"""
struct event_t {
    u64 at;
    u32 pid;
};
BPF_PERF_OUTPUT(events);

int on_call(void *ctx)
{
    struct event_t event = {.at = bpf_ktime_get_ns(), .pid = bpf_get_current_pid_tgid()};
    events.perf_submit(ctx, &event, sizeof(event));
    return 0;
}
"""
EVENT_NET = "#include <net/sock.h>\n#include <net/tcp.h>\n" + EVENT

# Compiled before a text whose start is measured with the kernel's types known, and nothing else.
OTHER = HELLO.replace("hello", "other")
