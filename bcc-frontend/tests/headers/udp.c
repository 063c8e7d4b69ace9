#include <linux/udp.h>
#include <net/udp.h>
int f(struct pt_regs *ctx, struct sock *sk) { return udp_sk(sk)->pending + udp_sk(sk)->inet.inet_sport; }
