#include <uapi/linux/bpf.h>
#include <uapi/linux/pkt_cls.h>
#include <uapi/linux/if_ether.h>
#include <uapi/linux/in.h>
int filter(struct __sk_buff *skb) { return skb->protocol == htons(ETH_P_IPV6) && skb->remote_port ? TC_ACT_SHOT : TC_ACT_OK; }
