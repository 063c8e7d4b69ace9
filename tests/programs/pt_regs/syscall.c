#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 8);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct pt_regs *ctx)
{
	struct pt_regs *regs = PT_REGS_SYSCALL_CTX(ctx);

	put(0, PT_REGS_PARM1_SYSCALL(regs));
	put(1, PT_REGS_PARM2_SYSCALL(regs));
	put(2, PT_REGS_PARM3_SYSCALL(regs));
	put(3, PT_REGS_PARM4_SYSCALL(regs));
	put(4, PT_REGS_PARM5_SYSCALL(regs));
	put(5, PT_REGS_PARM6_SYSCALL(regs));
	return 0;
}
