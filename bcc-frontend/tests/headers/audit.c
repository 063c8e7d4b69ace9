#include <linux/audit.h>
int f(struct pt_regs *ctx, struct task_struct *t) { return t->loginuid.val + t->sessionid; }
