#include <linux/sched.h>
int f(struct pt_regs *ctx, struct task_struct *t) { return t->se.vruntime + t->se.sum_exec_runtime + t->utime + t->nvcsw; }
