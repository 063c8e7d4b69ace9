#include <linux/sched.h>
BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *tasks[3];

	tasks[0] = (struct task_struct *)bpf_get_current_task();
	tasks[1] = tasks[0]->real_parent;
	tasks[2] = tasks[1]->real_parent;
#pragma unroll
	for (int i = 0; i < 3; i++)
		put(i, tasks[i]->tgid);
	put(3, tasks[ctx->args[0] & 1]->tgid);
	return 0;
}
