#include <bcc/proto.h>

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
	u64 mac = ethernet->src;

	ethernet->src = ethernet->dst;
	ethernet->dst = mac;
	ip->ttl = ip->ttl - 1;
	ip->df = 0;
	ip->hlen = 6;
	ip->foffset = 0x155;
	ip->dst = ip->src;
	return 1;
}
