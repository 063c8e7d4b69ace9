BPF_HASH(h, u32, u64);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 1;

	h.increment(key); h.increment(key); return missing_behind;
}
