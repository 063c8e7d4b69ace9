BPF_TABLE_SHARED("hash", u32, u64, dialect_shared, 16);
BPF_TABLE_SHARED("hash", u32, u64, dialect_shared_flags, 16, BPF_F_NO_PREALLOC);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	dialect_shared.increment(5, 12);
	dialect_shared_flags.increment(5, 13);
	return 0;
}
