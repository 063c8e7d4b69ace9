#include <bcc/proto.h>
static __always_inline int _bpf_readarg_on_query_1(struct pt_regs *ctx, void *dest, unsigned long len) { return 0; }
static __always_inline int _bpf_readarg_on_query_2(struct pt_regs *ctx, void *dest, unsigned long len) { return 0; }
#define SECOND 2
int on_query(struct pt_regs *ctx)
{
	u64 addr = 0; char buf[8];
	bpf_usdt_readarg(1, ctx, &addr);
	bpf_usdt_readarg(SECOND, ctx, &addr);
	bpf_usdt_readarg_p(1, ctx, &buf, sizeof(buf));
	bpf_trace_printk("%d %s\n", bpf_num_cpus(), buf); bpf_trace_printk("none\n");
	return 0;
}

static int inner(u8 *cursor, struct __sk_buff *skb)
{
	struct udp_t *udp = cursor_advance(cursor, sizeof(*udp));
	return udp->dport == 53 && udp->sport;
}

int filter(struct __sk_buff *skb) {
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	struct ip_t *ip = cursor_advance(cursor, sizeof(*ip));
	u32 old = ip->src, now = 0x0a000001;
	if (ethernet->type != 0x0800 || !(ip->hlen & 1))
		return 0;
	ip->src = now;
	ip->ttl = (ip->ttl - 1);
	ethernet->dst = ethernet->src;
	incr_cksum_l3(34, old, now);
	incr_cksum_l4(36, old, now, 1);
	return inner(cursor, skb);
}
