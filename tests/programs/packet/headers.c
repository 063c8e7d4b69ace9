#include <bcc/proto.h>
BPF_ARRAY(out, u64, 16);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct __sk_buff *skb)
{
	put(0, sizeof(struct ethernet_t));
	put(1, sizeof(struct dot1q_t));
	put(2, sizeof(struct arp_t));
	put(3, sizeof(struct ip_t));
	put(4, sizeof(struct icmp_t));
	put(5, sizeof(struct ip6_t));
	put(6, sizeof(struct ip6_opt_t));
	put(7, sizeof(struct icmp6_t));
	put(8, sizeof(struct udp_t));
	put(9, sizeof(struct tcp_t));
	put(10, sizeof(struct vxlan_t));
	put(11, sizeof(struct vxlan_gbp_t));
	return 0;
}
