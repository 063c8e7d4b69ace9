BPF_QUEUE(three, u32, 4);
BPF_QUEUE(four, u32, 4, 0);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 v = 1, got = 0;

	three.push(&v, 0);
	v = 2;
	three.push(&v, 0);
	four.push(&v, 0);
	three.pop(&got);
	return got;
}
