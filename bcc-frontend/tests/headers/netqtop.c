#include <linux/netdevice.h>
#include <linux/ethtool.h>
#include <linux/skbuff.h>
union name_buf { char name[IFNAMSIZ]; struct { u64 hi; u64 lo; } name_int; };
BPF_ARRAY(name_map, union name_buf, 1);
int f(struct pt_regs *ctx, struct sk_buff *skb)
{
	u16 q = skb_rx_queue_recorded(skb) ? skb_get_rx_queue(skb) : 0;
	return q + skb->len + skb->dev->ifindex + skb->queue_mapping;
}
