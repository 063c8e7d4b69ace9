struct empty {};
BPF_HASH(h, u32, struct empty);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
