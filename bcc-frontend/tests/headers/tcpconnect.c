#include <uapi/linux/ptrace.h>
#include <net/sock.h>
#include <bcc/proto.h>
struct ipv6_data_t { u64 ts_us; unsigned __int128 saddr; unsigned __int128 daddr; u16 dport; char task[TASK_COMM_LEN]; };
BPF_HASH(currsock, u32, struct sock *);
BPF_PERF_OUTPUT(ipv6_events);
int trace_return(struct pt_regs *ctx)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct sock **skpp = currsock.lookup(&tid);
	if (skpp == 0)
		return 0;
	struct sock *sk = *skpp;
	struct ipv6_data_t d = {.dport = ntohs(sk->__sk_common.skc_dport)};
	bpf_probe_read_kernel(&d.saddr, sizeof(d.saddr), sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32);
	ipv6_events.perf_submit(ctx, &d, sizeof(d));
	return sk->sk_family == AF_INET6 && sk->sk_state == TCP_ESTABLISHED;
}
