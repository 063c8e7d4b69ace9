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

	put(0, sk->__sk_common.skc_rcv_saddr);
	put(1, sk->__sk_common.skc_num);
	put(2, ntohs(sk->__sk_common.skc_dport));
	put(3, sk->sk_family);
	return 0;
}
