struct leaf { u64 head; __int128 wide; unsigned __int128 uwide; };
BPF_HASH(h, u32, struct leaf);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct leaf leaf = {};
	u32 key = 1;

	leaf.head = 1;
	leaf.wide = ((__int128)2 << 64) | 3;
	leaf.uwide = ((unsigned __int128)4 << 64) | 5;
	return h.update(&key, &leaf);
}
