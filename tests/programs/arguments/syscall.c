#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 8);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int syscall__six(struct pt_regs *ctx, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	put(0, a);
	put(1, b);
	put(2, c);
	put(3, d);
	put(4, e);
	put(5, f);
	return 0;
}
