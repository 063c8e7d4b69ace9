#include <linux/workqueue.h>
int f(struct pt_regs *ctx, struct work_struct *work) { return work->func != 0 && to_delayed_work(work)->timer.expires; }
