#include <uapi/linux/ptrace.h>
BPF_HASH(h, u32, u64);

int prog(struct pt_regs *ctx)
{
	return h.get_stackid(ctx, 0);
}
