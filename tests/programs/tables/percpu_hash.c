BPF_PERCPU_HASH(one);
BPF_PERCPU_HASH(two, u32);
BPF_PERCPU_HASH(three, u32, u64);
BPF_PERCPU_HASH(four, u32, u64, 77);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 k = 1, v = 21;
	u32 k32 = 1;

	one.update(&k, &v);
	two.update(&k32, &v);
	three.update(&k32, &v);
	four.update(&k32, &v);
	return 0;
}
