#include <linux/pid.h>
#include <linux/pid_namespace.h>
int f(struct pt_regs *ctx, struct task_struct *t) { return pid_nr(task_pid(t)) + task_active_pid_ns(t)->ns.inum + t->thread_pid->level; }
