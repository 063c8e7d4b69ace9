struct leaf { u32 a; u64 b; };
BPF_ARRAY(one);
BPF_ARRAY(two, struct leaf);
BPF_ARRAY(three, u32, 5);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	int at = 4;
	u64 x = 44;
	struct leaf l = { 45, 46 };
	u32 y = 47;

	one.update(&at, &x);
	two.update(&at, &l);
	return three.update(&at, &y);
}
