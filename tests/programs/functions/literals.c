BPF_ARRAY(out, u64, 8);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

static int length(const char *s)
{
	int n = 0;

#pragma unroll
	for (int i = 0; i < 8; i++)
		if (s[i])
			n++;
		else
			break;
	return n;
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	char on_stack[] = "stack";
	u32 at = ctx->args[0] % 3;
	const char *name = at == 0 ? "zero" : at == 1 ? "one" : "three";

	put(0, length(name));
	put(1, name[0]);
	put(2, sizeof(on_stack));
	put(3, on_stack[4]);
	put(4, bpf_strncmp(on_stack, 5, "stack"));
	return 0;
}
