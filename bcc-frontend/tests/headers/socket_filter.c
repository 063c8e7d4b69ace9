#include <net/sock.h>
#include <bcc/proto.h>
#define IP_TCP 6
int http_filter(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
	return ethernet->type == 0x0800 && ip->nextp == IP_TCP;
}
