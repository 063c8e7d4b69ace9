#define SAY(fmt, ...) bpf_trace_printk("dialect: " fmt, ##__VA_ARGS__)

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	SAY("macro %d\n", (int)ctx->args[0]);
	return 0;
}
