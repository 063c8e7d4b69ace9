#include <linux/sched.h>

struct walk { struct task_struct *task; u64 sum; };

static long step(u32 i, struct walk *w)
{
	w->sum += w->task->tgid;
	w->task = w->task->real_parent;
	return 0;
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct walk w = { (struct task_struct *)bpf_get_current_task() };

	bpf_loop(2, step, &w, 0);
	return w.sum;
}
