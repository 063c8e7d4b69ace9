BPF_HASH(h, u32, u64);

int add(int a, int b)
{
	h.increment(a);
	return a + b;
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return add(30, 3);
}
