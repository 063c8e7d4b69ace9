#include <net/inet_hashtables.h>
int f(struct pt_regs *ctx, struct inet_bind_bucket *b) { return b->port; }
