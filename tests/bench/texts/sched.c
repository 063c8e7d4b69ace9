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
