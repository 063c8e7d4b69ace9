BPF_HASH(calls, u32, u64);

int tracepoint__syscalls__sys_enter_getppid(struct tracepoint__syscalls__sys_enter_getppid *args)
{
	calls.increment(bpf_get_current_pid_tgid() >> 32);
	return 0;
}
