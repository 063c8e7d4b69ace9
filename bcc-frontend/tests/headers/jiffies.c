#include <linux/jiffies.h>
int f(struct pt_regs *ctx, unsigned long j) { return HZ + jiffies_to_msecs(j) + time_after(j, 3UL); }
