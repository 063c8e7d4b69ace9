#include <linux/cpumask.h>
#include <linux/sched.h>
int f(struct pt_regs *ctx, struct task_struct *t) { return t->nr_cpus_allowed + t->on_rq + t->policy; }
