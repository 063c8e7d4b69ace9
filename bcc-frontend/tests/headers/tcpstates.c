#define KBUILD_MODNAME "foo"
#include <linux/tcp.h>
#include <net/sock.h>
#include <bcc/proto.h>
BPF_HASH(last, struct sock *, u64);
int f(struct pt_regs *ctx, struct sock *sk, int newstate)
{
	struct inet_sock *i = inet_sk(sk);
	u16 lport = sk->__sk_common.skc_num, dport = i->inet_dport;
	return lport + dport + (newstate < TCP_FIN_WAIT1) + i->inet_sport + i->inet_saddr;
}
