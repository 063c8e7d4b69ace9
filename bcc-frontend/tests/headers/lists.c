#include <linux/list.h>
#include <linux/sched.h>
int f(struct pt_regs *ctx, struct task_struct *t) { struct task_struct *c = list_entry(t->children.next, struct task_struct, sibling); return c->pid + list_first_entry(&t->tasks, struct task_struct, tasks)->tgid + list_empty(&t->children); }
