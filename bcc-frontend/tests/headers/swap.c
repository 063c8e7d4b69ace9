#include <linux/swap.h>
int f(struct pt_regs *ctx, struct swap_info_struct *s) { return s->prio + s->pages; }
