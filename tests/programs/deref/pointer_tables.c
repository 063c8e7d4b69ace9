/* Tables of pointers that are read at an index known only at run time. */
BPF_ARRAY(values, u64, 2);

struct named {
	int number;
	const char *name;
};

const char *global_names[] = { "ab", "cd", "ef" };
static const char *const grid[2][2] = { { "ab", "cd" }, { "ef", "gh" } };
static u64 *kept;

int names(struct bpf_raw_tracepoint_args *ctx)
{
	const char *local[] = { "gh", "ij", "kl" };
	struct named table[] = { { 1, "mn" }, { 2, "op" } };
	u64 i = ctx->args[0];

	if (i > 2)
		return -1;
	return global_names[i][0] << 24 | local[i][1] << 16 | table[i & 1].name[0] << 8 |
		table[i & 1].number;
}

int two_indexes(struct bpf_raw_tracepoint_args *ctx)
{
	return grid[ctx->args[0] & 1][ctx->args[1] & 1][1];
}

int map_values(struct bpf_raw_tracepoint_args *ctx)
{
	int zero = 0, one = 1;
	u64 *first = values.lookup(&zero), *second = values.lookup(&one);

	if (!first || !second)
		return -1;
	u64 *both[] = { first, second };

	*both[ctx->args[0] & 1] += 10;
	return *both[ctx->args[0] & 1];
}

int buffers(struct bpf_raw_tracepoint_args *ctx)
{
	char x[4] = "abc", y[4] = "def", *both[2] = { x, y };

	both[ctx->args[0] & 1][0] = 'z';
	return x[0] << 8 | y[0];
}

int keep(struct bpf_raw_tracepoint_args *ctx)
{
	int zero = 0;

	kept = values.lookup(&zero);
	return 0;
}

int use_kept(struct bpf_raw_tracepoint_args *ctx)
{
	return *kept;
}
