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
