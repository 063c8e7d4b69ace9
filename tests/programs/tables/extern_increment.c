BPF_TABLE("extern", u32, u64, dialect_lru, 16);
BPF_TABLE("extern", u32, u64, dialect_plain, 16);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = ctx->args[0];

	dialect_lru.increment(key);
	dialect_plain.increment(key, 5);
	return 0;
}
