BPF_PROG_ARRAY(targets, 4);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	int slot = ctx->args[0];

	targets.call(ctx, slot);
	return 1000;
}

int first(struct bpf_raw_tracepoint_args *ctx)
{
	return 1;
}

int second(struct bpf_raw_tracepoint_args *ctx)
{
	return 2;
}
