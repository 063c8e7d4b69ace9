#include <bcc/proto.h>

#define L4 (sizeof(struct ethernet_t) + sizeof(struct ip_t))

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *eth = cursor_advance(cursor, sizeof(*eth));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
	struct udp_t *udp = cursor_advance(cursor, sizeof(*udp));
	u32 old_ip = bpf_htonl(ip->dst), new_ip = bpf_htonl(0x0a000099);
	u16 old_port = bpf_htons(udp->dport), new_port = bpf_htons(99);

	incr_cksum_l4(L4 + offsetof(struct udp_t, crc), old_ip, new_ip, 1);
	incr_cksum_l4(&udp->crc, old_port, new_port, 0);
	incr_cksum_l3(sizeof(struct ethernet_t) + offsetof(struct ip_t, hchecksum), old_ip, new_ip);
	u16 old_id = bpf_htons(ip->identification), new_id = bpf_htons(77);

	incr_cksum_l3(&ip->hchecksum, old_id, new_id);
	ip->identification = 77;
	ip->dst = 0x0a000099;
	udp->dport = 99;
	return 5;
}
