BPF_HASH(out, u32, u64);

static void note(u32 key, u64 v)
{
	if (bpf_get_current_pid_tgid() >> 32 == PID)
		out.update(&key, &v);
}

TRACEPOINT_PROBE(syscalls, sys_enter_umask)
{
	note(0, args->mask);
	return 0;
}

TRACEPOINT_PROBE(syscalls, sys_exit_umask)
{
	note(1, args->ret);
	return 0;
}
