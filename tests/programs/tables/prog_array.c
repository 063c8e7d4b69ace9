BPF_PROG_ARRAY(targets, 3);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	targets.call(ctx, 2);
	return 1;
}

int target(struct bpf_raw_tracepoint_args *ctx)
{
	return 2;
}
