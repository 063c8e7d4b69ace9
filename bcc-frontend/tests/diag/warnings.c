BPF_ARRAY(a, u64, 4);
int f(struct pt_regs *ctx)
{
	int k = 0; u64 v = 0;
	bpf_trace_printk("%d %d %d %d\n", 1, 2, 3, 4);
	bpf_trace_printk("%s %s\n", "a", "b");
	bpf_trace_printk("%f\n", 1);
	bpf_trace_printk("%pK\n", ctx);
	bpf_trace_printk("\033[0m\n");
	a.insert(&k, &v);
	return 0;
}
