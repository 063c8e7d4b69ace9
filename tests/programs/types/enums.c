enum color { RED, GREEN = 5, BLUE };
struct leaf { enum color first; u32 second; };
BPF_HASH(h, enum color, struct leaf);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	enum color key = GREEN;
	struct leaf leaf = { BLUE, 3 };

	return h.update(&key, &leaf);
}
