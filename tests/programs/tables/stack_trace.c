#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 4);
BPF_STACK_TRACE(stacks, 1000);

int prog(struct pt_regs *ctx)
{
	int at = 0;
	u64 id = stacks.get_stackid(ctx, BPF_F_USER_STACK);

	out.update(&at, &id);
	return 0;
}
