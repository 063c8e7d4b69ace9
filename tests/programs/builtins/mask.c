BPF_ARRAY(out, u64, 8);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	int n = ctx->args[0];

	put(0, MASK(n));
	put(1, MASK(63));
	put(2, MASK(64));
	put(3, MASK128(100) >> 64);
	put(4, MASK128(128) >> 64);
	return 0;
}
