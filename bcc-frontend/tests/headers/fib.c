#include <net/ip_fib.h>
int f(struct pt_regs *ctx, struct fib_info *i) { return i->fib_priority; }
