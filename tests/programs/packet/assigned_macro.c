#include <bcc/proto.h>

#define TTL(header) header->ttl

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));

	TTL(ip) = 3;
	return 0;
}
