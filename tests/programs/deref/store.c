#include <linux/sched.h>

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	task->static_prio = 100;
	return 0;
}
