#include <uapi/linux/ptrace.h>

#define ONE(name, macro) \
	int name(struct pt_regs *ctx) \
	{ \
		return macro(ctx); \
	}

ONE(parm1, PT_REGS_PARM1)
ONE(parm2, PT_REGS_PARM2)
ONE(parm3, PT_REGS_PARM3)
ONE(parm4, PT_REGS_PARM4)
ONE(parm5, PT_REGS_PARM5)
#ifdef PT_REGS_PARM6
ONE(parm6, PT_REGS_PARM6)
#endif
ONE(rc, PT_REGS_RC)
ONE(ip, PT_REGS_IP)
ONE(sp, PT_REGS_SP)
