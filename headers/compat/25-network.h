/* Packets, sockets and addresses. */
//@header linux/skbuff.h net/sock.h linux/tcp.h linux/ip.h linux/udp.h linux/icmp.h linux/ipv6.h
static inline unsigned char *skb_transport_header(const struct sk_buff *skb)
{
	return skb->head + skb->transport_header;
}
static inline unsigned char *skb_network_header(const struct sk_buff *skb)
{
	return skb->head + skb->network_header;
}
static inline unsigned char *skb_mac_header(const struct sk_buff *skb)
{
	return skb->head + skb->mac_header;
}
static inline bool skb_mac_header_was_set(const struct sk_buff *skb)
{
	return skb->mac_header != (typeof(skb->mac_header))~0U;
}
static inline bool skb_transport_header_was_set(const struct sk_buff *skb)
{
	return skb->transport_header != (typeof(skb->transport_header))~0U;
}
static inline unsigned char *skb_end_pointer(const struct sk_buff *skb)
{
	return skb->head + skb->end;
}
static inline unsigned char *skb_tail_pointer(const struct sk_buff *skb)
{
	return skb->head + skb->tail;
}
static inline int skb_network_offset(const struct sk_buff *skb)
{
	return skb_network_header(skb) - skb->data;
}
static inline int skb_transport_offset(const struct sk_buff *skb)
{
	return skb_transport_header(skb) - skb->data;
}
static inline unsigned char *skb_inner_network_header(const struct sk_buff *skb)
{
	return skb->head + skb->inner_network_header;
}
static inline unsigned char *skb_inner_transport_header(const struct sk_buff *skb)
{
	return skb->head + skb->inner_transport_header;
}
static inline u32 skb_queue_len(const struct sk_buff_head *list)
{
	return list->qlen;
}
static inline bool skb_shared(const struct sk_buff *skb)
{
	return refcount_read(&skb->users) != 1;
}
static inline bool skb_cloned(const struct sk_buff *skb)
{
	return skb->cloned && (atomic_read(&skb_shinfo(skb)->dataref) & 0xffff) != 1;
}
static inline struct dst_entry *skb_dst(const struct sk_buff *skb)
{
	return (struct dst_entry *)(skb->_skb_refdst & ~1UL);
}
#define skb_rtable(skb) ((struct rtable *)skb_dst(skb))
static inline const char *netdev_name(const struct net_device *dev)
{
	return dev->name;
}
static inline unsigned int skb_headlen(const struct sk_buff *skb)
{
	return skb->len - skb->data_len;
}
static inline bool skb_is_nonlinear(const struct sk_buff *skb)
{
	return skb->data_len;
}
static inline u16 skb_get_rx_queue(const struct sk_buff *skb)
{
	return skb->queue_mapping - 1;
}
static inline bool skb_rx_queue_recorded(const struct sk_buff *skb)
{
	return skb->queue_mapping != 0;
}
static inline u16 skb_get_queue_mapping(const struct sk_buff *skb)
{
	return skb->queue_mapping;
}
#define skb_shinfo(skb) ((struct skb_shared_info *)skb_end_pointer(skb))
#define skb_is_gso(skb) (skb_shinfo(skb)->gso_size)
static inline struct ethhdr *eth_hdr(const struct sk_buff *skb)
{
	return (struct ethhdr *)skb_mac_header(skb);
}
static inline struct iphdr *ip_hdr(const struct sk_buff *skb)
{
	return (struct iphdr *)skb_network_header(skb);
}
static inline struct ipv6hdr *ipv6_hdr(const struct sk_buff *skb)
{
	return (struct ipv6hdr *)skb_network_header(skb);
}
static inline struct arphdr *arp_hdr(const struct sk_buff *skb)
{
	return (struct arphdr *)skb_network_header(skb);
}
static inline struct tcphdr *tcp_hdr(const struct sk_buff *skb)
{
	return (struct tcphdr *)skb_transport_header(skb);
}
static inline struct udphdr *udp_hdr(const struct sk_buff *skb)
{
	return (struct udphdr *)skb_transport_header(skb);
}
static inline struct icmphdr *icmp_hdr(const struct sk_buff *skb)
{
	return (struct icmphdr *)skb_transport_header(skb);
}
static inline unsigned int tcp_hdrlen(const struct sk_buff *skb)
{
	return tcp_hdr(skb)->doff * 4;
}
static inline unsigned int ip_hdrlen(const struct sk_buff *skb)
{
	return ip_hdr(skb)->ihl * 4;
}
#define TCP_SKB_CB(skb) ((struct tcp_skb_cb *)&((skb)->cb[0]))
#define IPCB(skb) ((struct inet_skb_parm *)((skb)->cb))
#define IP6CB(skb) ((struct inet6_skb_parm *)((skb)->cb))

//@header net/sock.h net/inet_sock.h linux/tcp.h net/tcp.h linux/udp.h linux/ipv6.h net/ipv6.h net/inet_connection_sock.h net/af_unix.h
#define inet_sk(ptr) ((struct inet_sock *)(ptr))
#define tcp_sk(ptr) ((struct tcp_sock *)(ptr))
#define udp_sk(ptr) ((struct udp_sock *)(ptr))
#define raw_sk(ptr) ((struct raw_sock *)(ptr))
#define unix_sk(ptr) ((struct unix_sock *)(ptr))
#define inet_csk(ptr) ((struct inet_connection_sock *)(ptr))
#define inet_twsk(ptr) ((struct inet_timewait_sock *)(ptr))
#define inet_rsk(ptr) ((struct inet_request_sock *)(ptr))
#define inet_reqsk(ptr) ((struct request_sock *)(ptr))
#define tcp_rsk(ptr) ((struct tcp_request_sock *)(ptr))
#define tcp_twsk(ptr) ((struct tcp_timewait_sock *)(ptr))
static inline bool sk_fullsock(const struct sock *sk)
{
	return (1 << sk->__sk_common.skc_state) & ~(1 << TCP_TIME_WAIT | 1 << TCP_NEW_SYN_RECV);
}
#define inet6_sk(ptr) (((struct inet_sock *)(ptr))->pinet6)
static inline struct net *sock_net(const struct sock *sk)
{
	return sk->__sk_common.skc_net.net;
}
static inline struct net *read_pnet(const possible_net_t *pnet)
{
	return pnet->net;
}
static inline struct net *dev_net(const struct net_device *dev)
{
	return dev->nd_net.net;
}
#define dev_net_rcu(dev) dev_net(dev)
static inline bool sk_fullsock_state(const struct sock *sk)
{
	return sk->__sk_common.skc_state != TCP_TIME_WAIT && sk->__sk_common.skc_state != TCP_NEW_SYN_RECV;
}
static inline int sk_wmem_alloc_get(const struct sock *sk)
{
	return refcount_read(&sk->sk_wmem_alloc) - 1;
}
static inline int sk_rmem_alloc_get(const struct sock *sk)
{
	return atomic_read(&sk->sk_backlog.rmem_alloc);
}
static inline bool sk_acceptq_is_full(const struct sock *sk)
{
	return sk->sk_ack_backlog > sk->sk_max_ack_backlog;
}
static inline u32 tcp_snd_cwnd(const struct tcp_sock *tp)
{
	return tp->snd_cwnd;
}
static inline bool tcp_in_slow_start(const struct tcp_sock *tp)
{
	return tp->snd_cwnd < tp->snd_ssthresh;
}
static inline u32 tcp_min_rtt(const struct tcp_sock *tp)
{
	return tp->rtt_min.s[0].v;
}
static inline unsigned int tcp_packets_in_flight(const struct tcp_sock *tp)
{
	return tp->packets_out - (tp->sacked_out + tp->lost_out) + tp->retrans_out;
}
static inline bool ipv6_addr_v4mapped(const struct in6_addr *a)
{
	return a->in6_u.u6_addr32[0] == 0 && a->in6_u.u6_addr32[1] == 0 && a->in6_u.u6_addr32[2] == htonl(0x0000ffff);
}
static inline bool ipv6_addr_any(const struct in6_addr *a)
{
	return (a->in6_u.u6_addr32[0] | a->in6_u.u6_addr32[1] | a->in6_u.u6_addr32[2] | a->in6_u.u6_addr32[3]) == 0;
}

static inline bool ipv6_addr_loopback(const struct in6_addr *a)
{
	return (a->in6_u.u6_addr32[0] | a->in6_u.u6_addr32[1] | a->in6_u.u6_addr32[2]) == 0 && a->in6_u.u6_addr32[3] == htonl(1);
}
static inline bool ipv6_addr_equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return __builtin_memcmp(a, b, sizeof(*a)) == 0;
}
static inline int ipv6_addr_cmp(const struct in6_addr *a, const struct in6_addr *b)
{
	return __builtin_memcmp(a, b, sizeof(*a));
}
#define tcp_flag_word(header) (((__be32 *)(header))[3])

//@header net/ip.h
#define IP_CE 0x8000
#define IP_DF 0x4000
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff
static inline bool ip_is_fragment(const struct iphdr *header)
{
	return (header->frag_off & htons(IP_MF | IP_OFFSET)) != 0;
}

//@header net/ipv6.h
#define NEXTHDR_HOP 0
#define NEXTHDR_TCP 6
#define NEXTHDR_UDP 17
#define NEXTHDR_IPV6 41
#define NEXTHDR_ROUTING 43
#define NEXTHDR_FRAGMENT 44
#define NEXTHDR_GRE 47
#define NEXTHDR_ESP 50
#define NEXTHDR_AUTH 51
#define NEXTHDR_ICMP 58
#define NEXTHDR_NONE 59
#define NEXTHDR_DEST 60
#define NEXTHDR_SCTP 132
#define NEXTHDR_MOBILITY 135

//@header net/ndisc.h
#define NDISC_ROUTER_SOLICITATION 133
#define NDISC_ROUTER_ADVERTISEMENT 134
#define NDISC_NEIGHBOUR_SOLICITATION 135
#define NDISC_NEIGHBOUR_ADVERTISEMENT 136
#define NDISC_REDIRECT 137

//@header linux/skbuff.h
#define CHECKSUM_NONE 0
#define CHECKSUM_UNNECESSARY 1
#define CHECKSUM_COMPLETE 2
#define CHECKSUM_PARTIAL 3

//@header net/dsfield.h net/inet_ecn.h
static inline u8 ipv4_get_dsfield(const struct iphdr *header)
{
	return header->tos;
}
#define INET_ECN_is_ce(field) (((field) & 3) == 3)

//@header linux/etherdevice.h
static inline bool is_multicast_ether_addr(const u8 *address)
{
	return address[0] & 1;
}
static inline bool is_broadcast_ether_addr(const u8 *address)
{
	return (address[0] & address[1] & address[2] & address[3] & address[4] & address[5]) == 0xff;
}
static inline bool is_zero_ether_addr(const u8 *address)
{
	return (address[0] | address[1] | address[2] | address[3] | address[4] | address[5]) == 0;
}
static inline bool ether_addr_equal(const u8 *a, const u8 *b)
{
	return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) | (a[5] ^ b[5])) == 0;
}

//@header net/sock.h net/inet_sock.h net/tcp.h linux/tcp.h linux/udp.h net/udp.h linux/ipv6.h net/ipv6.h linux/filter.h net/inet_connection_sock.h net/af_unix.h net/request_sock.h net/inet_timewait_sock.h
//@alias
#define sk_node __sk_common.skc_node
//@alias
#define sk_refcnt __sk_common.skc_refcnt
//@alias
#define sk_hash __sk_common.skc_hash
//@alias
#define sk_num __sk_common.skc_num
//@alias
#define sk_dport __sk_common.skc_dport
//@alias
#define sk_addrpair __sk_common.skc_addrpair
//@alias
#define sk_daddr __sk_common.skc_daddr
//@alias
#define sk_rcv_saddr __sk_common.skc_rcv_saddr
//@alias
#define sk_family __sk_common.skc_family
//@alias
#define sk_state __sk_common.skc_state
//@alias
#define sk_reuse __sk_common.skc_reuse
//@alias
#define sk_reuseport __sk_common.skc_reuseport
//@alias
#define sk_ipv6only __sk_common.skc_ipv6only
//@alias
#define sk_net_refcnt __sk_common.skc_net_refcnt
//@alias
#define sk_bound_dev_if __sk_common.skc_bound_dev_if
//@alias
#define sk_bind_node __sk_common.skc_bind_node
//@alias
#define sk_prot __sk_common.skc_prot
//@alias
#define sk_net __sk_common.skc_net
//@alias
#define sk_v6_daddr __sk_common.skc_v6_daddr
//@alias
#define sk_v6_rcv_saddr __sk_common.skc_v6_rcv_saddr
//@alias
#define sk_cookie __sk_common.skc_cookie
//@alias
#define sk_incoming_cpu __sk_common.skc_incoming_cpu
//@alias
#define sk_flags __sk_common.skc_flags
//@alias
#define sk_rxhash __sk_common.skc_rxhash
//@alias
#define sk_tx_queue_mapping __sk_common.skc_tx_queue_mapping
//@alias
#define inet_daddr sk.__sk_common.skc_daddr
//@alias
#define inet_rcv_saddr sk.__sk_common.skc_rcv_saddr
//@alias
#define inet_dport sk.__sk_common.skc_dport
//@alias
#define inet_num sk.__sk_common.skc_num
//@alias
#define ir_loc_addr req.__req_common.skc_rcv_saddr
//@alias
#define ir_num req.__req_common.skc_num
//@alias
#define ir_rmt_addr req.__req_common.skc_daddr
//@alias
#define ir_rmt_port req.__req_common.skc_dport
//@alias
#define ir_v6_rmt_addr req.__req_common.skc_v6_daddr
//@alias
#define ir_v6_loc_addr req.__req_common.skc_v6_rcv_saddr
//@alias
#define ir_iif req.__req_common.skc_bound_dev_if
//@alias
#define ir_cookie req.__req_common.skc_cookie
//@alias
#define rsk_refcnt __req_common.skc_refcnt
//@alias
#define rsk_hash __req_common.skc_hash
//@alias
#define rsk_listener __req_common.skc_listener
//@alias
#define tw_family __tw_common.skc_family
//@alias
#define tw_state __tw_common.skc_state
//@alias
#define tw_reuse __tw_common.skc_reuse
//@alias
#define tw_bound_dev_if __tw_common.skc_bound_dev_if
//@alias
#define tw_node __tw_common.skc_nulls_node
//@alias
#define tw_prot __tw_common.skc_prot
//@alias
#define tw_net __tw_common.skc_net
//@alias
#define tw_daddr __tw_common.skc_daddr
//@alias
#define tw_rcv_saddr __tw_common.skc_rcv_saddr
//@alias
#define tw_dport __tw_common.skc_dport
//@alias
#define tw_num __tw_common.skc_num
//@alias
#define tw_v6_daddr __tw_common.skc_v6_daddr
//@alias
#define tw_v6_rcv_saddr __tw_common.skc_v6_rcv_saddr

//@header linux/in6.h linux/ipv6.h net/ipv6.h net/sock.h net/inet_sock.h linux/tcp.h net/tcp.h net/addrconf.h linux/icmpv6.h bcc/proto.h linux/socket.h linux/if_ether.h net/route.h
//@alias
#define s6_addr in6_u.u6_addr8
//@alias
#define s6_addr16 in6_u.u6_addr16
//@alias
#define s6_addr32 in6_u.u6_addr32
