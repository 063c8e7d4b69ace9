#include <linux/skbuff.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
int f(struct pt_regs *ctx, struct sk_buff *skb)
{
	if (eth_hdr(skb)->h_proto == htons(ETH_P_IP))
		return ip_hdr(skb)->protocol == IPPROTO_UDP ? udp_hdr(skb)->dest : tcp_hdr(skb)->source;
	return ipv6_hdr(skb)->nexthdr + icmp_hdr(skb)->type + skb_mac_header_was_set(skb) + skb_headlen(skb) + tcp_hdrlen(skb);
}
