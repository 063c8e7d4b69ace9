#include <linux/irq_work.h>
int f(struct pt_regs *ctx, struct irq_work *w) { return w->func != 0; }
