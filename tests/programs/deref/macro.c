#include <linux/sched.h>

#define FIELD(p, name) ((p)->name)
#define PARENT(p) FIELD(p, real_parent)

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return FIELD(PARENT(task), tgid) + FIELD(task, tgid);
}
