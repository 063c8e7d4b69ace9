#include <linux/sched.h>
#include <linux/skbuff.h>
int f(struct pt_regs *ctx, struct sk_buff *skb, struct task_struct *t) { return skb->pkt_type + skb->ip_summed + t->in_execve + t->sched_reset_on_fork; }
