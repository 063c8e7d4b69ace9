int prog(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_trace_printk("%px\n", ctx);
	return 0;
}
