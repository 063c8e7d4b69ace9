BPF_TASK_STORAGE(marks, u64);
BPF_ARRAY(out, u64, 1);

LSM_PROBE(file_open, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int at = 0;
	u64 init = 5, *v, result = 55;

	if (bpf_get_current_pid_tgid() >> 32 != PID)
		return 0;
	v = marks.task_storage_get(task, &init, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!v || *v != 5)
		result = 103;
	if (marks.task_storage_delete(task))
		result = 104;
	if (marks.task_storage_get(task, 0, 0))
		result = 105;
	out.update(&at, &result);
	return 0;
}
