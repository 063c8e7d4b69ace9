BPF_HASH(h, u32, u64, 1);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = ctx->args[0];
	u64 zero = 40;

	*h.lookup_or_init(&key, &zero) += 1;
	return 77;
}
