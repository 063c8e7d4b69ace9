#include <linux/sched.h>
BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int *tgid = &task->tgid;
	struct task_struct **parent = &task->real_parent;
	struct task_struct ***more = &parent;

	put(0, *tgid);
	put(1, (*parent)->tgid);
	put(2, (**more)->tgid);
	put(3, *&(*parent)->tgid);
	return 0;
}
