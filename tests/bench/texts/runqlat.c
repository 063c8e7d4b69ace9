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
