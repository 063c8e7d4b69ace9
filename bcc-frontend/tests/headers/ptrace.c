#include <linux/ptrace.h>
#include <asm/ptrace.h>
int f(struct pt_regs *ctx) { return PT_REGS_RC(ctx) + PT_REGS_IP(ctx) + PT_REGS_SP(ctx) + PT_REGS_PARM1(ctx) + PT_REGS_PARM6(ctx); }
