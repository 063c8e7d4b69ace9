int prog(struct bpf_raw_tracepoint_args *ctx)
{
	char what[] = "stack";
	u64 big = 1ull << 40;

	bpf_trace_printk("dialect %d %s %llx\n", (int)ctx->args[0], what, big);
	return 0;
}

int plain(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_trace_printk("dialect alone\n");
	return 0;
}
