#include <net/sock.h>
#include <net/tcp_states.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <uapi/linux/ip.h>
static inline struct tcphdr *skb_to_tcphdr(const struct sk_buff *skb) { return (struct tcphdr *)(skb->head + skb->transport_header); }
static inline struct iphdr *skb_to_iphdr(const struct sk_buff *skb) { return (struct iphdr *)(skb->head + skb->network_header); }
int f(struct pt_regs *ctx, struct sock *sk, struct sk_buff *skb)
{
	u8 tcpflags = ((u_int8_t *)skb_to_tcphdr(skb))[13];
	return tcpflags + skb_to_iphdr(skb)->saddr + skb_to_tcphdr(skb)->source;
}
