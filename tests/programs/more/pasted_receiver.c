BPF_HASH(seen_read, u32, u64);
BPF_HASH(seen_write, u32, u64);

#define NOTE(what, k) seen_##what.increment(k)

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	NOTE(read, 1);
	NOTE(write, 2);
	NOTE(write, 2);
	return 0;
}
