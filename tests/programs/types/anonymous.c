struct leaf {
	u32 kind;
	union {
		u32 v4;
		unsigned char v6[16];
	};
	struct {
		u16 low, high;
	};
	u64 tail;
};
BPF_HASH(h, u32, struct leaf);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct leaf leaf = {};
	u32 key = 1;

	leaf.kind = 4;
	leaf.v4 = 0x01020304;
	leaf.low = 5;
	leaf.high = 6;
	leaf.tail = 7;
	return h.update(&key, &leaf);
}
