#include <net/route.h>
#include <net/dst.h>
int f(struct pt_regs *ctx, struct rtable *rt, struct dst_entry *dst) { return rt->rt_type + rt->dst.dev->ifindex + dst->dev->mtu; }
