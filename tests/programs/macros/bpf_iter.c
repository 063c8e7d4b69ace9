#include <linux/sched.h>

BPF_ITER(task)
{
	struct task_struct *task = ctx->task;
	u32 pid;

	if (!task)
		return 0;
	pid = task->tgid;
	bpf_seq_write(ctx->meta->seq, &pid, sizeof(pid));
	return 0;
}
