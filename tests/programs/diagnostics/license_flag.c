int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
