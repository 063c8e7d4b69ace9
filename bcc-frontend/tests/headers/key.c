#include <linux/key.h>
int f(struct pt_regs *ctx, struct key *k) { return k->serial + k->uid.val + k->datalen; }
