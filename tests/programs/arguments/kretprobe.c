#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 2);

int prog(struct pt_regs *ctx, u64 first)
{
	int at = 0;
	u64 rc = PT_REGS_RC(ctx);

	out.update(&at, &rc);
	return 0;
}
