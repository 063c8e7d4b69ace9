#include <linux/timer.h>
#include <linux/hrtimer.h>
int f(struct pt_regs *ctx, struct timer_list *t, struct hrtimer *h) { return t->expires + h->node.expires + h->_softexpires; }
