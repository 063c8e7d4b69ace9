#include <bcc/proto.h>
BPF_ARRAY(out, u64, 32);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	struct ip_t *ip;
	struct udp_t *udp;

	put(0, ethernet->dst);
	put(1, ethernet->src);
	put(2, ethernet->type);
	ip = cursor_advance(cursor, sizeof(*ip));
	put(3, ip->ver);
	put(4, ip->hlen);
	put(5, ip->tos);
	put(6, ip->tlen);
	put(7, ip->identification);
	put(8, ip->ffo_unused);
	put(9, ip->df);
	put(10, ip->mf);
	put(11, ip->foffset);
	put(12, ip->ttl);
	put(13, ip->nextp);
	put(14, ip->hchecksum);
	put(15, ip->src);
	put(16, ip->dst);
	udp = cursor_advance(cursor, sizeof(*udp));
	put(17, udp->sport);
	put(18, udp->dport);
	put(19, udp->length);
	put(20, udp->crc);
	return 0;
}
