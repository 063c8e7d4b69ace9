BPF_QUEUE(q, u64, 2);
BPF_ARRAY(out, u64, 8);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 v = 10, got = 0;

	put(0, q.push(&v, 0));
	v = 11;
	put(1, q.push(&v, 0));
	v = 12;
	put(2, q.push(&v, 0));
	put(3, q.push(&v, BPF_EXIST));
	q.peek(&got);
	put(4, got);
	q.pop(&got);
	put(5, got);
	q.pop(&got);
	put(6, got);
	put(7, q.pop(&got));
	return 0;
}
