#include <linux/skbuff.h>
int f(struct pt_regs *ctx, struct sk_buff *skb) { struct skb_shared_info *s = skb_shinfo(skb); return s->gso_size + s->nr_frags + s->gso_segs; }
