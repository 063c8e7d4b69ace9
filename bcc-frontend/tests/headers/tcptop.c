#include <net/sock.h>
#include <bcc/proto.h>
struct ipv4_key_t { u32 pid; char name[TASK_COMM_LEN]; u32 saddr; u32 daddr; u16 lport; u16 dport; };
BPF_HASH(ipv4_send_bytes, struct ipv4_key_t);
int tcp_sendmsg_f(struct pt_regs *ctx, struct sock *sk, struct msghdr *msg, size_t size)
{
	struct ipv4_key_t k = {.saddr = sk->sk_rcv_saddr, .daddr = sk->sk_daddr, .lport = sk->sk_num, .dport = ntohs(sk->sk_dport)};
	ipv4_send_bytes.increment(k, size);
	return msg->msg_namelen;
}
