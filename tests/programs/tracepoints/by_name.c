BPF_HASH(out, u32, u64);

int anything(struct tracepoint__syscalls__sys_enter_dup *args)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u64 v = args->fildes;

	if (pid == PID)
		out.update(&pid, &v);
	return 0;
}
