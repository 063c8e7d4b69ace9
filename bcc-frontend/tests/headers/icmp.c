#include <linux/icmp.h>
#include <linux/icmpv6.h>
int f(struct pt_regs *ctx, struct icmphdr *h, struct icmp6hdr *h6) { return h->type == ICMP_ECHO && h->un.echo.id && h6->icmp6_type == ICMPV6_ECHO_REQUEST; }
