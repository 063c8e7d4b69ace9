#include <net/sock.h>
#include <net/tcp.h>
#include <linux/skbuff.h>
int f(struct pt_regs *ctx, struct sock *sk, struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = TCP_SKB_CB(skb);
	return cb->tcp_flags & (TCPHDR_SYN | TCPHDR_FIN) ? cb->seq : sk->sk_v6_daddr.s6_addr32[0];
}
