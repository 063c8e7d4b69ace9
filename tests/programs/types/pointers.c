struct leaf { void *address; struct leaf *next; u32 after; };
BPF_HASH(h, u32, struct leaf);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct leaf leaf = { (void *)0x1234, (struct leaf *)0x5678, 9 };
	u32 key = 1;

	return h.update(&key, &leaf);
}
