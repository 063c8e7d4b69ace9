struct key { u8 a; u64 b; u16 c; };
struct leaf { u64 a; char b; };
BPF_HASH(h, struct key, struct leaf);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct key key = {};
	struct leaf leaf = {};

	key.a = 1;
	key.b = 2;
	key.c = 3;
	leaf.a = 4;
	leaf.b = 'x';
	return h.update(&key, &leaf);
}
