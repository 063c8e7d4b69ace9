#include <linux/mmzone.h>
int f(struct pt_regs *ctx, struct zone *z, struct pglist_data *p) { return z->managed_pages.counter + p->node_id + z->present_pages; }
