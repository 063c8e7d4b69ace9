#include <linux/sched.h>
BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

static inline int tgid_of(struct task_struct *task)
{
	return task->tgid;
}

static struct task_struct *parent_of(struct task_struct *task, int up)
{
	if (!up)
		return task;
	return task->real_parent;
}

static struct task_struct **parent_slot(struct task_struct *task)
{
	return &task->real_parent;
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	put(0, tgid_of(task));
	put(1, tgid_of(parent_of(task, 1)));
	put(2, parent_of(task, 0)->tgid);
	put(3, (*parent_slot(task))->tgid);
	return 0;
}
