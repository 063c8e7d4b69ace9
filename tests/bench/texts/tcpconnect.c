#include <uapi/linux/ptrace.h>
#include <net/sock.h>
#include <bcc/proto.h>

struct event_t {
    u64 at;
    u32 pid;
    u32 uid;
    u32 saddr;
    u32 daddr;
    u16 lport;
    u16 dport;
    char comm[TASK_COMM_LEN];
};
BPF_HASH(connecting, u32, struct sock *);
BPF_PERF_OUTPUT(events);

int on_connect(struct pt_regs *ctx, struct sock *sk)
{
    u32 tid = bpf_get_current_pid_tgid();
    connecting.update(&tid, &sk);
    return 0;
}

int on_return(struct pt_regs *ctx)
{
    u32 tid = bpf_get_current_pid_tgid();
    struct sock **found = connecting.lookup(&tid);
    if (!found)
        return 0;
    struct sock *sk = *found;
    struct event_t event = {.pid = bpf_get_current_pid_tgid() >> 32};
    event.at = bpf_ktime_get_ns() / 1000;
    event.uid = bpf_get_current_uid_gid();
    event.saddr = sk->__sk_common.skc_rcv_saddr;
    event.daddr = sk->__sk_common.skc_daddr;
    event.lport = sk->__sk_common.skc_num;
    event.dport = ntohs(sk->__sk_common.skc_dport);
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    events.perf_submit(ctx, &event, sizeof(event));
    connecting.delete(&tid);
    return 0;
}
