int prog(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_trace_printk("%f\n", (int)ctx->args[0]);
	return 0;
}
