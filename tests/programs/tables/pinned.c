BPF_TABLE_PINNED("hash", u32, u64, plain, 16, "/sys/fs/bpf/dialect/plain");
BPF_TABLE_PINNED("hash", u32, u64, flagged, 16, "/sys/fs/bpf/dialect/flagged", BPF_F_NO_PREALLOC);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	plain.increment(3);
	flagged.increment(3);
	return 0;
}
