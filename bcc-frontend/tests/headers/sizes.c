#include <linux/sched.h>
#include <net/sock.h>
#include <linux/skbuff.h>
int f(struct pt_regs *ctx) { return sizeof(struct task_struct) + sizeof(struct sock) + sizeof(struct sk_buff) + sizeof(struct request); }
