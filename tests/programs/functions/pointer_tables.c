struct named {
	int number;
	const char *name;
};

static const char *const words[] = {"zero", "one", "two"};
static const struct named colours[] = {{10, "red"}, {20, "green"}, {30, "blue"}};

static const char *kind(int of)
{
	switch (of) {
	case 0: return "file";
	case 1: return "socket";
	case 2: return "pipe";
	case 3: return "device";
	case 4: return "timer";
	default: return "other";
	}
}

BPF_ARRAY(out, u64, 4);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 number = ctx->args[0];
	u64 values[4];

	if (number > 2)
		return 1;
	values[0] = words[number][1];
	values[1] = colours[number].name[0];
	values[2] = colours[number].number;
	values[3] = kind(number + 2)[2];
	for (int at = 0; at < 4; at++) {
		int key = at;

		out.update(&key, &values[at]);
	}
	return 0;
}
