#include <linux/sched.h>
#define GET(p, m) ((p)->m)
#define LEADER(p) GET(GET(p, group_leader), start_time)
int f(struct pt_regs *ctx, struct task_struct *t) { return LEADER(t) + GET(GET(t, mm), total_vm); }
