#include <linux/sched.h>
struct name { char comm[TASK_COMM_LEN]; };
BPF_HASH(names, u32, struct name);
BPF_ARRAY(out, u64, 1);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct name name = {};
	u32 key = 1;
	int at = 0;
	u64 second = task->comm[1];

	bpf_probe_read_kernel_str(&name.comm, sizeof(name.comm), task->comm);
	names.update(&key, &name);
	key = 2;
	__builtin_memcpy(name.comm, task->real_parent->comm, sizeof(name.comm));
	names.update(&key, &name);
	out.update(&at, &second);
	return 0;
}
