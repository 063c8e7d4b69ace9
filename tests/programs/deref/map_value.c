#include <linux/sched.h>
struct saved { u64 when; struct task_struct *task; };
BPF_HASH(tasks, u32, struct task_struct *);
BPF_HASH(structs, u32, struct saved);
BPF_ARRAY(out, u64, 6);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int use(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 1;
	struct task_struct **task = tasks.lookup(&key);
	struct saved *saved = structs.lookup(&key);

	if (!task || !saved)
		return 1;
	put(0, (*task)->tgid);
	put(1, (*task)->real_parent->tgid);
	put(2, saved->task->tgid);
	return 0;
}

int save(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 1;
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct saved saved = { 5, task };

	tasks.update(&key, &task);
	structs.update(&key, &saved);
	return 0;
}
