struct inner { u16 a; u32 b; };
struct outer { u8 head; struct inner in; struct inner many[2]; u64 tail; };
BPF_HASH(h, struct inner, struct outer);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct inner key = {};
	struct outer leaf = {};

	key.a = 1;
	key.b = 2;
	leaf.head = 3;
	leaf.in.a = 4;
	leaf.in.b = 5;
	leaf.many[1].a = 6;
	leaf.many[1].b = 7;
	leaf.tail = 8;
	return h.update(&key, &leaf);
}
