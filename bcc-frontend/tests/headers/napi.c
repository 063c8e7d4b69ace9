#include <linux/netdevice.h>
int f(struct pt_regs *ctx, struct napi_struct *n, int budget) { return n->weight + n->dev->ifindex + budget; }
