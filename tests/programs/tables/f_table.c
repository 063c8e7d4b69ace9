BPF_F_TABLE("hash", u32, u64, t, 1 << 4, BPF_F_NO_PREALLOC);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 7;
	u64 leaf = 49;

	return t.update(&key, &leaf);
}
