#include <net/net_namespace.h>
#include <net/sock.h>
int f(struct pt_regs *ctx, struct sock *sk) { return sock_net(sk)->ns.inum + sk->__sk_common.skc_net.net->ifindex * 0; }
