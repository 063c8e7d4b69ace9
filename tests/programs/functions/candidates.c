BPF_ARRAY(out, u64, 4);

static int hidden(struct bpf_raw_tracepoint_args *ctx)
{
	return 4;
}

static inline int hidden_inline(int x)
{
	return x + 1;
}

int second_named_first(struct bpf_raw_tracepoint_args *ctx)
{
	return hidden_inline(hidden(ctx));
}

int another(struct bpf_raw_tracepoint_args *ctx)
{
	return 6;
}

__attribute__((section("own/section"))) int sectioned(struct bpf_raw_tracepoint_args *ctx)
{
	return 7;
}
