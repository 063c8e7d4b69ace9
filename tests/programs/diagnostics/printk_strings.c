int prog(struct bpf_raw_tracepoint_args *ctx)
{
	char a[] = "a";

	bpf_trace_printk("%s %s\n", a, a);
	return 0;
}
