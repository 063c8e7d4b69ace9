BPF_HASH(h, u32, u64);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 1;
	u64 *seen;

	BUMP(key);
	BUMP(key);
	seen = LOOK(h, &key);
	return seen ? *seen : -1;
}
