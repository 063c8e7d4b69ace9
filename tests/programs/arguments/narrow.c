#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, s64, 4);

static void put(int at, s64 v)
{
	out.update(&at, &v);
}

int syscall__narrow(struct pt_regs *ctx, signed char a, u8 b, short c, unsigned int d)
{
	put(0, a);
	put(1, b);
	put(2, c);
	put(3, d);
	return 0;
}
