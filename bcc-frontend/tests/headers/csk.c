#include <net/inet_connection_sock.h>
int f(struct pt_regs *ctx, struct sock *sk) { return inet_csk(sk)->icsk_retransmits + inet_csk(sk)->icsk_ca_ops->flags; }
