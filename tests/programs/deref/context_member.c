#include <linux/sched.h>

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[2];

	return task->tgid + ((struct task_struct *)ctx->args[2])->static_prio;
}
