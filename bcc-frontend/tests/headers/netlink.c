#include <linux/netlink.h>
int f(struct pt_regs *ctx, struct nlmsghdr *n) { return n->nlmsg_type & NLM_F_REQUEST; }
