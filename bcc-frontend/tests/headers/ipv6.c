#include <net/ipv6.h>
#include <linux/in6.h>
int f(struct pt_regs *ctx, struct sock *sk) { struct in6_addr a = sk->sk_v6_rcv_saddr; return ipv6_addr_v4mapped(&a) + ipv6_addr_any(&a) + a.s6_addr[3] + a.s6_addr16[1] + IPPROTO_ICMPV6; }
