#include <bcc/proto.h>

/* A member of the same name that lies in memory. */
struct own {
	u32 src;
	u64 dst;
};

#define SRC(p) p->src
#define SET_DST(p, v) p->dst = v
#define FIELD(p, f) (p)->f
#define AGED(p) p->ttl--

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct own here = { .src = 5 }, *own = &here;
	struct ethernet_t *eth = cursor_advance(cursor, sizeof(*eth));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));

	if (SRC(eth) != 0x060708090a0bull || SRC(ip) != 0x0a000001 || SRC(own) != 5)
		return 1;
	SET_DST(own, 7);
	SET_DST(ip, SRC(ip) + here.dst);
	if (FIELD(own, dst) != 7 || FIELD(ip, dst) != 0x0a000008 || FIELD(eth, type) != 0x0800)
		return 2;
	if (AGED(ip) != 64 || FIELD(ip, ttl) != 63)
		return 3;
	return 0;
}
