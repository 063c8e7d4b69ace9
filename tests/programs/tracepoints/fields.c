BPF_HASH(out, u32, u64);

TRACEPOINT_PROBE(syscalls, sys_enter_lseek)
{
	u32 key = 0;
	u64 v;

	if (bpf_get_current_pid_tgid() >> 32 != PID)
		return 0;
	v = args->__syscall_nr;
	out.update(&key, &v);
	key = 1;
	v = args->fd;
	out.update(&key, &v);
	key = 2;
	v = args->offset;
	out.update(&key, &v);
	key = 3;
	v = sizeof(*args);
	out.update(&key, &v);
	return 0;
}
