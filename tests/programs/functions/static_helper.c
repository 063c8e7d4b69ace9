static int twice(int x)
{
	return x * 2;
}

static u64 sum(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h)
{
	return a + b + c + d + e + f + g + h;
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return twice(10) + sum(1, 2, 3, 4, 5, 6, 7, 8);
}
