#include <linux/sched.h>
BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int tgid = 0;

	bpf_probe_read_kernel(&tgid, sizeof(tgid), &task->tgid);
	put(0, tgid);
	put(1, (u64)&task->tgid - (u64)task == offsetof(struct task_struct, tgid));
	bpf_probe_read(&tgid, sizeof(tgid), &task->real_parent->tgid);
	put(2, tgid);
	return 0;
}
