union leaf { u32 word; unsigned char bytes[4]; };
BPF_HASH(h, u32, union leaf);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	union leaf leaf = { .word = 0x04030201 };
	u32 key = 1;

	return h.update(&key, &leaf);
}
