/* Names of the kernel's own, private headers. */
//@header linux/sched.h
#define PF_VCPU 0x00000001
#define PF_IDLE 0x00000002
#define PF_EXITING 0x00000004
#define PF_WQ_WORKER 0x00000020
#define PF_FORKNOEXEC 0x00000040
#define PF_SUPERPRIV 0x00000100
#define PF_DUMPCORE 0x00000200
#define PF_SIGNALED 0x00000400
#define PF_MEMALLOC 0x00000800
#define PF_USED_MATH 0x00002000
#define PF_NOFREEZE 0x00008000
#define PF_KSWAPD 0x00020000
#define PF_KTHREAD 0x00200000
#define PF_RANDOMIZE 0x00400000
#define TASK_RUNNING 0x00000000
#define TASK_INTERRUPTIBLE 0x00000001
#define TASK_UNINTERRUPTIBLE 0x00000002
#define __TASK_STOPPED 0x00000004
#define __TASK_TRACED 0x00000008
#define EXIT_DEAD 0x00000010
#define EXIT_ZOMBIE 0x00000020
#define TASK_PARKED 0x00000040
#define TASK_DEAD 0x00000080
#define TASK_WAKEKILL 0x00000100
#define TASK_WAKING 0x00000200
#define TASK_NOLOAD 0x00000400
#define TASK_NEW 0x00000800
#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_IDLE (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define TASK_COMM_LEN 16
#define MAX_PRIO 140
#define MAX_RT_PRIO 100
#define DEFAULT_PRIO 120
#define MAX_NICE 19
#define MIN_NICE (-20)
#define NICE_TO_PRIO(nice) ((nice) + DEFAULT_PRIO)
#define PRIO_TO_NICE(prio) ((prio) - DEFAULT_PRIO)
static inline pid_t task_pid_nr(struct task_struct *tsk)
{
	return tsk->pid;
}
static inline pid_t task_tgid_nr(struct task_struct *tsk)
{
	return tsk->tgid;
}
static inline pid_t task_ppid_nr(struct task_struct *tsk)
{
	return tsk->real_parent->tgid;
}
//@if member task_struct thread_pid
static inline struct pid *task_pid(struct task_struct *task)
{
	return task->thread_pid;
}
static inline struct pid *task_tgid(struct task_struct *task)
{
	return task->signal->pids[PIDTYPE_TGID];
}
static inline struct pid *task_pgrp(struct task_struct *task)
{
	return task->signal->pids[PIDTYPE_PGID];
}
static inline struct pid *task_session(struct task_struct *task)
{
	return task->signal->pids[PIDTYPE_SID];
}
//@if member task_struct thread_pid
static inline bool pid_alive(const struct task_struct *task)
{
	return task->thread_pid != NULL;
}
//@if member thread_info cpu
static inline unsigned int task_cpu(const struct task_struct *task)
{
	return task->thread_info.cpu;
}
//@if member task_struct cpu
static inline unsigned int task_cpu(const struct task_struct *task)
{
	return task->cpu;
}
static inline int task_nice(const struct task_struct *task)
{
	return PRIO_TO_NICE(task->static_prio);
}
static inline bool is_idle_task(const struct task_struct *task)
{
	return task->flags & PF_IDLE;
}
static inline bool thread_group_leader(const struct task_struct *task)
{
	return task->exit_signal >= 0;
}
static inline bool same_thread_group(const struct task_struct *a, const struct task_struct *b)
{
	return a->signal == b->signal;
}
static inline void *task_stack_page(const struct task_struct *task)
{
	return task->stack;
}
//@if member task_struct thread_info
#define task_thread_info(task) (&(task)->thread_info)
//@if member task_struct __state
#define task_is_running(task) ((task)->__state == TASK_RUNNING)
//@if member task_struct state
#define task_is_running(task) ((task)->state == TASK_RUNNING)
static inline bool is_global_init_tgid(struct task_struct *task)
{
	return task->tgid == 1;
}
//@if member task_struct __state
static inline unsigned int bcc_task_state(struct task_struct *task)
{
	return task->__state;
}
//@if !member task_struct __state
static inline unsigned int bcc_task_state(struct task_struct *task)
{
	return task->state;
}

//@header linux/dcache.h linux/fs.h
#define DNAME_INLINE_LEN $sizeof(dentry.d_iname)
//@if member dentry d_shortname
#define DNAME_INLINE_LEN $sizeof(dentry.d_shortname)
//@if member dentry d_shortname
//@alias
#define d_iname d_shortname.string
#define DCACHE_ENTRY_TYPE 0x00700000
static inline bool d_is_negative(const struct dentry *dentry)
{
	return dentry->d_inode == NULL;
}
static inline bool d_is_dir(const struct dentry *dentry)
{
	return S_ISDIR(dentry->d_inode->i_mode);
}
static inline bool d_is_reg(const struct dentry *dentry)
{
	return S_ISREG(dentry->d_inode->i_mode);
}
static inline bool sb_rdonly(const struct super_block *sb)
{
	return sb->s_flags & 1;
}
static inline struct inode *d_inode(const struct dentry *dentry)
{
	return dentry->d_inode;
}
static inline struct inode *d_backing_inode(const struct dentry *upper)
{
	return upper->d_inode;
}
static inline struct dentry *file_dentry(const struct file *file)
{
	return file->f_path.dentry;
}
static inline struct inode *file_inode(const struct file *f)
{
	return f->f_inode;
}

//@header linux/fs.h
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_LSEEK 0x4
#define FMODE_PREAD 0x8
#define FMODE_PWRITE 0x10
#define FMODE_EXEC 0x20
#define FMODE_CREATED 0x100000
#define FMODE_OPENED 0x80000
/* States of an inode. The bits were numbered anew when i_state became 32 bits wide (v6.12), and are
 * enumerators since v6.18.
 */
//@if size inode.i_state 8
#define I_DIRTY_SYNC (1 << 0)
//@if size inode.i_state 8
#define I_DIRTY_DATASYNC (1 << 1)
//@if size inode.i_state 8
#define I_DIRTY_PAGES (1 << 2)
//@if size inode.i_state 8
#define I_NEW (1 << 3)
//@if size inode.i_state 8
#define I_WILL_FREE (1 << 4)
//@if size inode.i_state 8
#define I_FREEING (1 << 5)
//@if size inode.i_state 8
#define I_CLEAR (1 << 6)
//@if size inode.i_state 8
#define I_SYNC (1 << 7)
//@if size inode.i_state 8
#define I_REFERENCED (1 << 8)
//@if size inode.i_state 8
#define I_WB_SWITCH (1 << 13)
//@if size inode.i_state 8
#define I_OVL_INUSE (1 << 14)
//@if size inode.i_state 8
#define I_CREATING (1 << 15)
//@if size inode.i_state 8
#define I_DONTCACHE (1 << 16)
//@if size inode.i_state 8
#define I_SYNC_QUEUED (1 << 17)
//@if size inode.i_state 4
#define I_NEW (1 << 0)
//@if size inode.i_state 4
#define I_SYNC (1 << 1)
//@if size inode.i_state 4
#define I_LRU_ISOLATING (1 << 2)
//@if size inode.i_state 4
#define I_DIRTY_SYNC (1 << 3)
//@if size inode.i_state 4
#define I_DIRTY_DATASYNC (1 << 4)
//@if size inode.i_state 4
#define I_DIRTY_PAGES (1 << 5)
//@if size inode.i_state 4
#define I_WILL_FREE (1 << 6)
//@if size inode.i_state 4
#define I_FREEING (1 << 7)
//@if size inode.i_state 4
#define I_CLEAR (1 << 8)
//@if size inode.i_state 4
#define I_REFERENCED (1 << 9)
//@if size inode.i_state 4
#define I_WB_SWITCH (1 << 12)
//@if size inode.i_state 4
#define I_OVL_INUSE (1 << 13)
//@if size inode.i_state 4
#define I_CREATING (1 << 14)
//@if size inode.i_state 4
#define I_DONTCACHE (1 << 15)
//@if size inode.i_state 4
#define I_SYNC_QUEUED (1 << 16)
#define I_DIRTY_INODE (I_DIRTY_SYNC | I_DIRTY_DATASYNC)
#define I_DIRTY (I_DIRTY_INODE | I_DIRTY_PAGES)
#define I_DIRTY_ALL (I_DIRTY | I_DIRTY_TIME)

#define READ 0
#define WRITE 1
#define WRITEA 2
#define IOCB_APPEND 0x10
#define IOCB_DIRECT 0x20000
#define MAJOR(dev) ((unsigned int)((dev) >> MINORBITS))
#define MINOR(dev) ((unsigned int)((dev) & MINORMASK))
#define MKDEV(ma, mi) (((ma) << MINORBITS) | (mi))
#define MINORBITS 20
#define MINORMASK ((1U << MINORBITS) - 1)
static inline loff_t i_size_read(const struct inode *inode)
{
	return inode->i_size;
}
static inline uid_t i_uid_read(const struct inode *inode)
{
	return inode->i_uid.val;
}
static inline gid_t i_gid_read(const struct inode *inode)
{
	return inode->i_gid.val;
}
static inline unsigned imajor(const struct inode *inode)
{
	return MAJOR(inode->i_rdev);
}
static inline unsigned iminor(const struct inode *inode)
{
	return MINOR(inode->i_rdev);
}

//@header linux/uidgid.h linux/cred.h
#define __kuid_val(uid) ((uid).val)
#define __kgid_val(gid) ((gid).val)
#define KUIDT_INIT(value) (kuid_t){ value }
#define KGIDT_INIT(value) (kgid_t){ value }
#define GLOBAL_ROOT_UID KUIDT_INIT(0)
static inline bool uid_eq(kuid_t left, kuid_t right)
{
	return left.val == right.val;
}
static inline uid_t from_kuid(void *to, kuid_t uid)
{
	return uid.val;
}

//@header linux/blk_types.h linux/blkdev.h linux/blk-mq.h linux/bio.h linux/genhd.h
#define REQ_OP_BITS 8
#define REQ_OP_MASK ((1 << REQ_OP_BITS) - 1)
#define REQ_FLAG_BITS 24
#define SECTOR_SHIFT 9
#define SECTOR_SIZE (1 << SECTOR_SHIFT)
#define DISK_NAME_LEN 32
#define BDEVNAME_SIZE 32
#define REQ_SYNC (1ULL << __REQ_SYNC)
#define REQ_META (1ULL << __REQ_META)
#define REQ_PRIO (1ULL << __REQ_PRIO)
#define REQ_NOMERGE (1ULL << __REQ_NOMERGE)
#define REQ_IDLE (1ULL << __REQ_IDLE)
#define REQ_INTEGRITY (1ULL << __REQ_INTEGRITY)
#define REQ_FUA (1ULL << __REQ_FUA)
#define REQ_PREFLUSH (1ULL << __REQ_PREFLUSH)
#define REQ_RAHEAD (1ULL << __REQ_RAHEAD)
#define REQ_BACKGROUND (1ULL << __REQ_BACKGROUND)
#define REQ_NOWAIT (1ULL << __REQ_NOWAIT)
#define REQ_POLLED (1ULL << __REQ_POLLED)
#define REQ_FAILFAST_DEV (1ULL << __REQ_FAILFAST_DEV)
#define REQ_FAILFAST_TRANSPORT (1ULL << __REQ_FAILFAST_TRANSPORT)
#define REQ_FAILFAST_DRIVER (1ULL << __REQ_FAILFAST_DRIVER)
#define REQ_FAILFAST_MASK (REQ_FAILFAST_DEV | REQ_FAILFAST_TRANSPORT | REQ_FAILFAST_DRIVER)
#define op_is_write(op) (!!((op) & 1))
#define op_is_flush(op) (!!((op) & (REQ_FUA | REQ_PREFLUSH)))
#define req_op(req) ((req)->cmd_flags & REQ_OP_MASK)
#define bio_op(bio) ((bio)->bi_opf & REQ_OP_MASK)
#define rq_data_dir(rq) (op_is_write(req_op(rq)) ? WRITE : READ)
#define bio_data_dir(bio) (op_is_write(bio_op(bio)) ? WRITE : READ)
#define bio_sectors(bio) ((bio)->bi_iter.bi_size >> SECTOR_SHIFT)
#define bio_end_sector(bio) ((bio)->bi_iter.bi_sector + bio_sectors(bio))
static inline sector_t blk_rq_pos(const struct request *rq)
{
	return rq->__sector;
}
static inline unsigned int blk_rq_bytes(const struct request *rq)
{
	return rq->__data_len;
}
static inline unsigned int blk_rq_sectors(const struct request *rq)
{
	return rq->__data_len >> SECTOR_SHIFT;
}

//@header linux/list.h linux/types.h linux/rculist.h
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(ptr, type, member) list_entry((ptr)->next, type, member)
#define list_last_entry(ptr, type, member) list_entry((ptr)->prev, type, member)
#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, __typeof__(*(pos)), member)
#define list_entry_rcu(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry_safe(ptr, type, member) ({ __typeof__(ptr) _bcc_ptr = (ptr); _bcc_ptr ? hlist_entry(_bcc_ptr, type, member) : NULL; })
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define LIST_POISON1 ((void *)0xdead000000000100UL)
#define LIST_POISON2 ((void *)0xdead000000000122UL)
static inline int list_empty(const struct list_head *head)
{
	return head->next == head;
}
static inline int hlist_empty(const struct hlist_head *h)
{
	return !h->first;
}

//@header linux/atomic.h asm/atomic.h
#define atomic_long_read(v) ((long)(v)->counter)
static inline int atomic_read(const atomic_t *v)
{
	return v->counter;
}
static inline s64 atomic64_read(const atomic64_t *v)
{
	return v->counter;
}

//@header linux/refcount.h linux/kref.h
static inline unsigned int refcount_read(const refcount_t *r)
{
	return r->refs.counter;
}
static inline unsigned int kref_read(const struct kref *kref)
{
	return kref->refcount.refs.counter;
}

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

//@header linux/types.h linux/rcupdate.h
//@if !tag rcu_head
#define rcu_head callback_head

//@header linux/socket.h
//@if !tag sockaddr_storage
#define sockaddr_storage __kernel_sockaddr_storage

//@header linux/scatterlist.h
#define SG_CHAIN 0x01UL
#define SG_END 0x02UL
#define SG_PAGE_LINK_MASK (SG_CHAIN | SG_END)
#define __sg_flags(sg) ((sg)->page_link & SG_PAGE_LINK_MASK)
#define sg_is_chain(sg) (__sg_flags(sg) & SG_CHAIN)
#define sg_is_last(sg) (__sg_flags(sg) & SG_END)
#define sg_chain_ptr(sg) ((struct scatterlist *)((sg)->page_link & ~SG_PAGE_LINK_MASK))
#define sg_page(sg) ((struct page *)((sg)->page_link & ~SG_PAGE_LINK_MASK))

//@header linux/page-flags.h linux/mm.h linux/mm_types.h
#define folio_page(folio, n) (&(folio)->page + (n))

//@header linux/cgroup.h linux/cgroup-defs.h
static inline struct cgroup *task_dfl_cgroup(struct task_struct *task)
{
	return task->cgroups->dfl_cgrp;
}
static inline u64 cgroup_id(const struct cgroup *cgrp)
{
	return cgrp->kn->id;
}

//@header linux/pid_namespace.h linux/pid.h linux/nsproxy.h
#define MAX_PID_NS_LEVEL 32
static inline struct pid_namespace *ns_of_pid(struct pid *pid)
{
	return pid->numbers[pid->level].ns;
}
static inline pid_t pid_nr(struct pid *pid)
{
	return pid->numbers[0].nr;
}
static inline struct pid_namespace *task_active_pid_ns(struct task_struct *tsk)
{
	return ns_of_pid(task_pid(tsk));
}

//@header linux/workqueue.h
#define to_delayed_work(work) container_of(work, struct delayed_work, work)

//@header linux/dma-mapping.h
#define DMA_BIT_MASK(n) ((n) == 64 ? ~0ULL : (1ULL << (n)) - 1)
