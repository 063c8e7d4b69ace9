#include <net/inet_timewait_sock.h>
int f(struct pt_regs *ctx, struct sock *sk) { return inet_twsk(sk)->tw_dport + inet_twsk(sk)->tw_daddr + inet_twsk(sk)->tw_num; }
