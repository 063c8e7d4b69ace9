#include <linux/spinlock.h>
int f(struct pt_regs *ctx, spinlock_t *lock, raw_spinlock_t *raw) { return lock == 0 || raw->raw_lock.val.counter; }
