#include <linux/if_arp.h>
int f(struct pt_regs *ctx, struct arphdr *a) { return a->ar_op == htons(ARPOP_REQUEST); }
