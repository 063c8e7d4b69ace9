#include <linux/sched.h>
BPF_HASH(h, u32, u64);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u32 key = 1;

	h.increment(key); h.increment(key); task->static_prio = 1;
	return 0;
}
