#include <net/sch_generic.h>
int f(struct pt_regs *ctx, struct Qdisc *q) { return q->handle + q->limit + q->parent; }
