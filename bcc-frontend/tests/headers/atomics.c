#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/kref.h>
int f(struct pt_regs *ctx, atomic_t *a, refcount_t *r, struct kref *k, atomic64_t *l, atomic_long_t *n) { return atomic_read(a) + refcount_read(r) + kref_read(k) + atomic64_read(l) + atomic_long_read(n); }
