#include <linux/netfilter.h>
int f(struct pt_regs *ctx, struct nf_hook_state *s) { return s->hook == NF_INET_PRE_ROUTING && s->pf == NFPROTO_IPV4; }
