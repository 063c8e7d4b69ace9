#include <linux/resource.h>
int f(struct pt_regs *ctx, struct task_struct *t) { return t->signal->rlim[RLIMIT_NOFILE].rlim_cur; }
