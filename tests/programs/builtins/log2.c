BPF_ARRAY(out, u64, 16);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 v = ctx->args[0];

	put(0, bpf_log2(v));
	put(1, bpf_log2l(v));
	return 0;
}
