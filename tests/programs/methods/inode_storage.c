BPF_INODE_STORAGE(marks, u64);
BPF_ARRAY(out, u64, 1);

LSM_PROBE(file_open, struct file *file)
{
	int at = 0;
	u64 init = 5, *v, result = 55;

	if (bpf_get_current_pid_tgid() >> 32 != PID)
		return 0;
	v = marks.inode_storage_get(file->f_inode, &init, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!v || *v != 5)
		result = 103;
	if (marks.inode_storage_delete(file->f_inode))
		result = 104;
	if (marks.inode_storage_get(file->f_inode, 0, 0))
		result = 105;
	out.update(&at, &result);
	return 0;
}
