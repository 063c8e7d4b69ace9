#include <linux/sched.h>
BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 address = bpf_get_current_task();
	unsigned long parent = (unsigned long)((struct task_struct *)address)->real_parent;

	put(0, ((struct task_struct *)address)->tgid);
	put(1, ((struct task_struct *)parent)->tgid);
	put(2, *(int *)(address + offsetof(struct task_struct, tgid)));
	put(3, container_of((int *)(address + offsetof(struct task_struct, tgid)),
			    struct task_struct, tgid)->pid);
	return 0;
}
