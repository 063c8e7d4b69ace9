BPF_INODE_STORAGE(opens, u64);
BPF_ARRAY(out, u64, 2);

LSM_PROBE(file_open, struct file *file)
{
	int at = 0;
	u64 *seen, zero = 0;

	if (bpf_get_current_pid_tgid() >> 32 != PID)
		return 0;
	seen = opens.inode_storage_get(file->f_inode, &zero, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!seen)
		return 0;
	*seen += 1;
	out.update(&at, seen);
	return 0;
}
