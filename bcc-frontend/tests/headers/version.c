#include <linux/version.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(4, 0, 0)
#error too old
#endif
int f(struct pt_regs *ctx) { return LINUX_VERSION_CODE; }
