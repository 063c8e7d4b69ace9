#include <linux/sched.h>
BPF_ARRAY(out, u64, 8);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task, *copy, **indirect;
	const void *hidden;

	task = (void *)bpf_get_current_task();
	copy = task;
	put(0, copy->tgid);
	hidden = copy;
	put(1, ((struct task_struct *)hidden)->tgid);
	indirect = &task->real_parent;
	put(2, (*indirect)->tgid);
	task = task->real_parent;
	put(3, task->tgid);
	put(4, (task = copy)->tgid);
	return 0;
}
