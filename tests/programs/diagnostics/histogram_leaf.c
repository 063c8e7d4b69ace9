BPF_TABLE("histogram", int, u32, h, 64);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
