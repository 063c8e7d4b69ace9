#include <net/sock.h>
#include <net/inet_sock.h>
#include <net/net_namespace.h>
#include <bcc/proto.h>
struct listen_evt_t { u64 ts_us; u64 pid; int backlog; u64 netns; u64 proto; u64 lport; u64 laddr[2]; char task[TASK_COMM_LEN]; };
BPF_PERF_OUTPUT(listen_evt);
int kprobe__inet_listen(struct pt_regs *ctx, struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	struct inet_sock *inet = (struct inet_sock *)sk;
	struct listen_evt_t evt = {.proto = (u64)sk->sk_family << 16 | SOCK_STREAM, .netns = sk->__sk_common.skc_net.net->ns.inum};
	evt.lport = ntohs(inet->inet_sport);
	return evt.proto;
}
