struct slot { u32 disk, slot; };
BPF_HISTOGRAM(one);
BPF_HISTOGRAM(two, struct slot);
BPF_HISTOGRAM(three, int, 9);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct slot s = { 1, bpf_log2l(100) };

	one.increment(bpf_log2l(1));
	one.increment(bpf_log2l(4096));
	two.increment(s);
	three.increment(8);
	three.increment(9);
	return 0;
}
