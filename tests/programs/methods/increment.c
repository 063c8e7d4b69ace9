struct pair { u32 a, b; };
BPF_HASH(plain, struct pair, u64);
BPF_TABLE("lru_hash", u32, u64, lru, 16);
BPF_ARRAY(array, u64, 4);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct pair p = { 1, 2 };

	plain.increment(p);
	plain.increment(p, 41);
	lru.increment(3, 5);
	array.increment(ctx->args[0] & 3, 2);
	return 0;
}
