struct key { u32 a, b; };
struct leaf { u64 x; char y; };
BPF_HASH(one);
BPF_HASH(two, u32);
BPF_HASH(three, struct key, struct leaf);
BPF_HASH(four, struct key, struct leaf, 77);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct key key = { 1, 2 };
	struct leaf leaf = { 3, 'z' };

	one.increment(10);
	two.increment(20);
	three.update(&key, &leaf);
	four.update(&key, &leaf);
	return 0;
}
