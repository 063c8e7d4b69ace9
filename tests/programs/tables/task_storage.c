BPF_TASK_STORAGE(opens, u64);
BPF_ARRAY(out, u64, 2);

LSM_PROBE(file_open, struct file *file)
{
	int at = 0;
	u64 *seen;

	if (bpf_get_current_pid_tgid() >> 32 != PID)
		return 0;
	seen = opens.task_storage_get(bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!seen)
		return 0;
	*seen += 1;
	out.update(&at, seen);
	return 0;
}
