int prog(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_trace_printk("%d %d %d %d\n", 1, 2, 3);
	return 0;
}
