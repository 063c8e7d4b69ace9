#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 8);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct pt_regs *ctx, u64 a, int b, char *c, u16 d, long e, void *f)
{
	put(0, a);
	put(1, b);
	put(2, (u64)c);
	put(3, d);
	put(4, e);
	put(5, (u64)f);
	return 0;
}
