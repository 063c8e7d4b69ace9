#include <linux/mutex.h>
int f(struct pt_regs *ctx, struct mutex *m) { return m->owner.counter != 0; }
