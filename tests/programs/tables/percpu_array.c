BPF_PERCPU_ARRAY(one);
BPF_PERCPU_ARRAY(two, u32);
BPF_PERCPU_ARRAY(three, u64, 5);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	one.increment(4);
	two.increment(4, 2);
	three.increment(4, 3);
	return 0;
}
