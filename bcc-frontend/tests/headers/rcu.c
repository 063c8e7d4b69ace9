#include <linux/rcupdate.h>
#include <linux/types.h>
int f(struct pt_regs *ctx, struct rcu_head *head) { return head->func != 0; }
