#include <uapi/linux/ptrace.h>

int prog(struct pt_regs *ctx, int a, int b, int c, int d, int e, int f, int g)
{
	return a + b + c + d + e + f + g;
}
