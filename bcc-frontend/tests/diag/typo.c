BPF_HASH(h, u32, u64);
int f(struct pt_regs *ctx)
{
	u32 k = 0;
	struct task_struct *task = (void *)bpf_get_current_task();
	h.lokup(&k);
	h.frobnicate(&k);
	if (task->real_parnt)
		return 1;
	return task->pdi + bpf_ktime_get();
}
