BPF_HASH(h, u32, u64);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = ctx->args[0];
	u64 *leaf = h.lookup(&key);

	return leaf ? *leaf : -1;
}
