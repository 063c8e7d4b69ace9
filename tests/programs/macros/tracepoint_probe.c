BPF_HASH(last, u32, u64);

TRACEPOINT_PROBE(syscalls, sys_enter_close)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u64 fd = args->fd;

	if (pid == PID)
		last.update(&pid, &fd);
	return 0;
}
