int prog(struct bpf_raw_tracepoint_args *ctx)
{
	volatile char big[1000];

	big[0] = ctx->args[0];
	big[999] = 1;
	return big[ctx->args[0] & 511];
}
