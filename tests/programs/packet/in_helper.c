#include <bcc/proto.h>

int prog(struct __sk_buff *skb);

static int ttl(struct __sk_buff *skb, struct ip_t *ip)
{
	return ip->ttl;
}

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));

	return ttl(skb, ip);
}
