// cflags: -DTASK_RUNNING=5 -DAF_INET=99 -DTCP_ESTABLISHED=42 -Dcomm=3
#include <linux/sched.h>
#include <net/sock.h>
_Static_assert(TASK_RUNNING == 5 && AF_INET == 99 && TCP_ESTABLISHED == 42, "the user's wins");
int f(struct pt_regs *ctx, struct sock *sk) { return sk->__sk_common.skc_family + comm; }
