BPF_TABLE("extern", u32, u64, nobody_has_this, 16);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	nobody_has_this.increment(1);
	return 0;
}
