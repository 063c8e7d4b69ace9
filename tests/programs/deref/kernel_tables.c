#include <linux/sched.h>

static struct task_struct *seen[4];

struct counted {
	int number;
	struct task_struct *task;
};

static __always_inline struct task_struct *task_at(struct task_struct **table, int index)
{
	return table[index & 1];
}

/* Kernel pointers at indexes known only at run time: in an array, in structs, in a variable, as numbers. */
int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *both[2] = { task, task->real_parent };
	struct counted counted[2] = { { 1, task->real_parent }, { 2, task } };
	u64 numbers[2] = { (u64)task, (u64)task->real_parent };
	int i = ctx->args[1] & 1;

	seen[0] = task->real_parent;
	seen[1] = task;
	switch (ctx->args[0]) {
	case 0:
		return both[i]->tgid;
	case 1:
		return counted[i].task->tgid;
	case 2:
		return seen[i]->tgid;
	case 3:
		return ((struct task_struct *)numbers[i])->tgid;
	case 4:
		return task_at(both, i)->tgid;
	}
	return -1;
}
