BPF_TABLE_PUBLIC("hash", u32, u64, dialect_public, 16);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	dialect_public.increment(5, 11);
	return 0;
}
