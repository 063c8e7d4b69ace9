#include <linux/futex.h>
int f(struct pt_regs *ctx, u32 *uaddr, int op) { return (op & FUTEX_CMD_MASK) == FUTEX_WAIT; }
