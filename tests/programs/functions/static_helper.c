#define FOUR(step) step; step; step; step
#define MANY(step) FOUR(FOUR(FOUR(step)))

static int twice(int x)
{
	return x * 2;
}

/* More arguments than BPF can pass, and more code than anybody inlines unasked: 2,600 instructions, on
   which clang alone spends as long as this compiler. */
static u64 mix(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h)
{
	MANY(a = a * 3 + b; b ^= c; c += d * a; d ^= e; e += f; f ^= g; g += h; h ^= a);
	return a;
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 x = ctx->args[0], y = mix(x, 2, 3, 4, 5, 6, 7, 8);

	return twice(10) + (y == mix(x, 2, 3, 4, 5, 6, 7, 8)) + (y == mix(x, 2, 3, 4, 5, 6, 7, 9));
}
