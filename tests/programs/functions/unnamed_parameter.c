#include <uapi/linux/ptrace.h>

int prog(struct pt_regs *)
{
	return 0;
}
