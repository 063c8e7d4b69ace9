struct leaf { u8 a; u32 b; u16 c; u64 d; } __attribute__((packed));
BPF_HASH(h, u32, struct leaf);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct leaf leaf = { 1, 2, 3, 4 };
	u32 key = 1;

	return h.update(&key, &leaf);
}
