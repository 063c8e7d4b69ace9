#include <net/neighbour.h>
int f(struct pt_regs *ctx, struct neighbour *n) { return n->nud_state & 2 && n->dev->ifindex; }
