struct empty {};
struct unknown;
BPF_TABLE("nonsense", u32, u64, nonsense, 10);
BPF_HASH(zero, u32, struct empty);
BPF_HISTOGRAM(fine);
BPF_TABLE("histogram", int, u32, hist, 64);
int scalar __attribute__((section("maps/hash")));
BPF_HASH(stacks);
int f(struct pt_regs *ctx, int a, int b, int c, int d, int e, int g, int h)
{
	return stacks.get_stackid(ctx, 0);
}
int g(struct pt_regs *ctx, int)
{
	return 0;
}
