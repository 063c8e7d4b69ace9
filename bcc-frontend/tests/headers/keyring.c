#include <linux/key.h>
#include <linux/security.h>
int f(struct pt_regs *ctx, struct key_type *k) { return k->def_datalen; }
