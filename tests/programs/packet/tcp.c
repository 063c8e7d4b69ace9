#include <bcc/proto.h>
BPF_ARRAY(out, u64, 16);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
	struct tcp_t *tcp = cursor_advance(cursor, sizeof(*tcp));

	put(0, tcp->src_port);
	put(1, tcp->dst_port);
	put(2, tcp->seq_num);
	put(3, tcp->ack_num);
	put(4, tcp->offset);
	put(5, tcp->flag_syn);
	put(6, tcp->flag_ack);
	put(7, tcp->flag_fin);
	put(8, tcp->rcv_wnd);
	put(9, tcp->cksum);
	put(10, tcp->urg_ptr);
	return 0;
}
