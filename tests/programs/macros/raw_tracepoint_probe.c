BPF_HASH(calls, u32, u64);

RAW_TRACEPOINT_PROBE(sys_enter)
{
	if (bpf_get_current_pid_tgid() >> 32 == PID)
		calls.increment(ctx->args[1]);
	return 0;
}
