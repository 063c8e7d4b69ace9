// absent: __state
#include <linux/sched.h>
int f(struct pt_regs *ctx, struct task_struct *prev) { return prev->__state == TASK_RUNNING; }
