#include <uapi/linux/bpf.h>
#include <linux/in.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
BPF_TABLE("percpu_array", uint32_t, long, dropcnt, 256);
static inline int parse_ipv4(void *data, u64 nh_off, void *data_end) { struct iphdr *iph = data + nh_off; if ((void *)&iph[1] > data_end) return 0; return iph->protocol; }
int xdp_prog1(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end, *data = (void *)(long)ctx->data;
	struct ethhdr *eth = data;
	u64 nh_off = sizeof(*eth);
	if (data + nh_off > data_end) return XDP_PASS;
	u16 h_proto = eth->h_proto;
	if (h_proto == htons(ETH_P_8021Q) || h_proto == htons(ETH_P_8021AD)) { struct vlan_hdr *vhdr = data + nh_off; nh_off += sizeof(struct vlan_hdr); if (data + nh_off > data_end) return XDP_DROP; h_proto = vhdr->h_vlan_encapsulated_proto; }
	uint32_t index = h_proto == htons(ETH_P_IP) ? parse_ipv4(data, nh_off, data_end) : 0;
	long *value = dropcnt.lookup(&index);
	if (value) *value += 1;
	return XDP_DROP;
}
