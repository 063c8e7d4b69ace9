#include <linux/skbuff.h>
#include <linux/ip.h>
#include <net/sock.h>
int f(struct pt_regs *ctx, struct sk_buff *skb)
{
	unsigned char *network = skb_network_header(skb), *transport = skb_transport_header(skb);
	struct sock *sk = skb->sk;
	if (!sk_fullsock(sk))
		return 0;
	return (transport - network) + (skb_mac_header(skb) - skb->head) + (skb_tail_pointer(skb) - skb->data)
	       + (skb_end_pointer(skb) - skb->head) + ip_hdr(skb)->ihl;
}
