BPF_HASH(calls, u32, u64);

int raw_tracepoint__sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == PID)
		calls.increment(ctx->args[1]);
	return 0;
}
