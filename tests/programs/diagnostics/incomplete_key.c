struct nowhere;
BPF_HASH(h, struct nowhere, u64);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
