BPF_TABLE("extern", u32, u64, dialect_public, 16);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 5;
	u64 *leaf = dialect_public.lookup(&key);

	return leaf ? *leaf : -1;
}
