#include <linux/tcp.h>
#include <net/sock.h>
#include <net/inet_sock.h>
int f(struct pt_regs *ctx, struct sock *sk)
{
	struct tcp_sock *ts = tcp_sk(sk);
	const struct inet_sock *inet = inet_sk(sk);
	return (ts->srtt_us >> 3) + inet->inet_daddr + inet->inet_rcv_saddr + ts->snd_cwnd + ts->mdev_us;
}
