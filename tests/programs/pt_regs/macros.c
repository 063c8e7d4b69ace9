#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 12);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct pt_regs *ctx)
{
	put(0, PT_REGS_PARM1(ctx));
	put(1, PT_REGS_PARM2(ctx));
	put(2, PT_REGS_PARM3(ctx));
	put(3, PT_REGS_PARM4(ctx));
	put(4, PT_REGS_PARM5(ctx));
	put(5, PT_REGS_PARM6(ctx));
	put(6, PT_REGS_IP(ctx));
	put(7, PT_REGS_SP(ctx));
	put(8, PT_REGS_FP(ctx));
	put(9, PT_REGS_RET(ctx));
	return 0;
}

int at_return(struct pt_regs *ctx)
{
	put(10, PT_REGS_RC(ctx));
	return 0;
}
