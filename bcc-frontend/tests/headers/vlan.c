#include <linux/if_vlan.h>
#include <linux/if_packet.h>
int f(struct __sk_buff *skb) { return skb->vlan_present && skb->vlan_tci & VLAN_VID_MASK ? PACKET_HOST : PACKET_OUTGOING; }
