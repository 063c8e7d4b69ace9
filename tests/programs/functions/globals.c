static u64 counter;
u64 start = 40;
static const u32 table[4] = { 10, 20, 30, 40 };
static int zeroed[8];

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 at = ctx->args[0] & 3;

	counter += 1;
	start += counter;
	zeroed[at] += 5;
	return start + table[at] + zeroed[at];
}
