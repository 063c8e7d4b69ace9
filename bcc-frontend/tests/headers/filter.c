#include <linux/filter.h>
int f(struct pt_regs *ctx, struct sk_filter *s) { return s->prog->len + s->prog->type; }
