#include <linux/rwsem.h>
int f(struct pt_regs *ctx, struct rw_semaphore *s) { return s->count.counter != 0; }
