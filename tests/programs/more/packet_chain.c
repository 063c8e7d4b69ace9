#include <bcc/proto.h>

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
	u64 last, low;

	ip->ttl = ip->tos = 9;
	/* The value of an assignment is what the member holds then. */
	last = ip->hlen = 0x75;
	ip->dst = ip->src += 1;
	low = skb->len > 14 ? ip->identification = ip->tlen = 0x2345 : 0;
	ethernet->src = ++ip->nextp;
	return last * 100 + (low == 0x2345);
}
