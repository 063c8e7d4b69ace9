BPF_ARRAY(out, u64, 1);

int any_name(struct bpf_raw_tracepoint_args *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == PID)
		out.increment(0);
	return 0;
}
