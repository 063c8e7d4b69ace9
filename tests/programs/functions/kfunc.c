extern struct task_struct *bpf_task_from_pid(int pid) __attribute__((section(".ksyms")));
extern void bpf_task_release(struct task_struct *task) __attribute__((section(".ksyms")));
BPF_ARRAY(out, u64, 1);

int prog(struct __sk_buff *skb)
{
	struct task_struct *task = bpf_task_from_pid(PID);
	int at = 0;
	u64 v;

	if (!task)
		return 1;
	v = task->tgid;
	bpf_task_release(task);
	out.update(&at, &v);
	return 0;
}
