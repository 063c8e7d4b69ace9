#include <linux/sched.h>
#include <linux/fdtable.h>
#include <net/sock.h>
BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int fd = ctx->args[0];
	struct socket *socket = task->files->fdt->fd[fd]->private_data;
	struct sock *sk = socket->sk;

	put(0, task->sched_reset_on_fork);
	put(1, sk->__sk_common.skc_reuse);
	put(2, sk->sk_no_check_tx);
	put(3, sk->__sk_common.skc_reuseport);
	return 0;
}
