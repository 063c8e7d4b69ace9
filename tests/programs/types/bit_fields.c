struct leaf { u32 a : 3, b : 7, c : 22; u64 d; u16 e : 5; };
BPF_HASH(h, u32, struct leaf);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct leaf leaf = {};
	u32 key = 1;

	leaf.a = 5;
	leaf.b = 100;
	leaf.c = 0x2abcde;
	leaf.d = 9;
	leaf.e = 21;
	return h.update(&key, &leaf);
}
