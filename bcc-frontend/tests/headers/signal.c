#include <linux/sched/signal.h>
#include <linux/signal.h>
int f(struct pt_regs *ctx, struct task_struct *t) { return t->signal->nr_threads + t->signal->group_exit_code + t->group_leader->pid; }
