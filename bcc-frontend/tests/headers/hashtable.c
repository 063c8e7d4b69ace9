#include <linux/hashtable.h>
#include <linux/list.h>
struct own { struct hlist_node node; int value; };
int f(struct pt_regs *ctx, struct hlist_head *h) { struct own *o = hlist_entry(h->first, struct own, node); return hlist_empty(h) ? 0 : o->value; }
