struct leaf { char name[10]; u8 bytes[3]; u32 numbers[4]; u16 grid[2][3]; };
BPF_HASH(h, u32, struct leaf);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct leaf leaf = { "name", { 1, 2, 3 }, { 4, 5, 6, 7 }, { { 8, 9, 10 }, { 11, 12, 13 } } };
	u32 key = 1;

	return h.update(&key, &leaf);
}
