#include <linux/sched.h>

int bpf_iter__task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	u32 pid;

	if (!task)
		return 0;
	pid = task->pid;
	bpf_seq_write(ctx->meta->seq, &pid, sizeof(pid));
	return 0;
}
