int prog(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_trace_printk("caf\303\251\n");
	return 0;
}
