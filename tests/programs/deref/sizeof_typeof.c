#include <linux/sched.h>

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	typeof(task->tgid) tgid = task->tgid;

	return tgid + sizeof(task->comm) + sizeof(task->real_parent->tgid);
}
