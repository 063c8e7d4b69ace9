#include <linux/mman.h>
#include <uapi/asm-generic/mman.h>
int f(struct pt_regs *ctx, unsigned long prot, unsigned long flags) { return (prot & PROT_EXEC) + (flags & MAP_ANONYMOUS) + (flags & MAP_SHARED); }
