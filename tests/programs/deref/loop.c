#include <linux/sched.h>

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int up = ctx->args[0], depth = 0;

	for (int i = 0; i < 30; i++) {
		if (task->tgid < 1)
			break;
		if (depth == up)
			return task->tgid;
		task = task->real_parent;
		depth++;
	}
	return 1000000 + depth;
}
