#include <linux/kconfig.h>
int f(struct pt_regs *ctx)
{
#ifndef CONFIG_BPF_SYSCALL
#error a kernel without bpf
#endif
#ifdef CONFIG_64BIT
	return IS_ENABLED(CONFIG_NET) + IS_BUILTIN(CONFIG_BPF_SYSCALL) + IS_ENABLED(CONFIG_NO_SUCH_THING);
#else
	return not_reached;
#endif
}
