#include <bcc/proto.h>

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *eth = cursor_advance(cursor, sizeof(*eth));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));

	ip->ttl -= 4;
	ip->tos |= 3;
	ip->identification <<= 4;
	ip->src += ip->dst - 1;
	ip->hlen++;
	--ip->nextp;
	if (ip->foffset++ != 0x123)
		return 1;
	if ((eth->dst ^= 0xff) != 0xfe)
		return 2;
	return 0;
}
