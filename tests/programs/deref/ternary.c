#include <linux/sched.h>

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct task_struct *parent = task->real_parent;

	return (ctx->args[0] ? task : parent)->tgid;
}

int mixed(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int own = 12, *p = ctx->args[0] ? &task->tgid : &own;

	return *p;
}
