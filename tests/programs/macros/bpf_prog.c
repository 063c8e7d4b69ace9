BPF_ARRAY(out, u64, 12);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

BPF_PROG(prog, u64 a, int b, void *c, char d, u64 e)
{
	put(0, a);
	put(1, b);
	put(2, (u64)c);
	put(3, d);
	put(4, e);
	put(5, ctx[0]);
	return 12;
}

BPF_PROG(without)
{
	return 13;
}
