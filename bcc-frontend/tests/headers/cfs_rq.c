#include <linux/sched.h>
struct cfs_rq_partial { struct load_weight load; unsigned int nr_running; };
int f(struct pt_regs *ctx, struct task_struct *t) { struct cfs_rq_partial *my_q = (void *)t->se.cfs_rq; return my_q->nr_running; }
