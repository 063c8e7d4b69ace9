#include <linux/mmzone.h>
#include <linux/mm.h>
struct compact_control { struct list_head freepages; struct zone *zone; int order; };
int f(struct pt_regs *ctx, struct zone *zone, struct compact_control *cc) { return cc->zone->node + zone->zone_pgdat->node_id; }
