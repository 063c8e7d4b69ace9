BPF_HASH(entered, u32, u64);
BPF_HASH(left, u32, s64);

int kfunc__vmlinux__vfs_fsync_range(u64 *ctx)
{
	entered.increment(bpf_get_current_pid_tgid() >> 32);
	return 0;
}

int kretfunc__vmlinux__vfs_fsync_range(u64 *ctx)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	s64 result = (int)ctx[4];

	left.update(&pid, &result);
	return 0;
}
