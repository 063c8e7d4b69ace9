#include <uapi/linux/ptrace.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <bcc/proto.h>

struct key_t {
    u32 pid;
    char name[TASK_COMM_LEN];
    u32 saddr;
    u32 daddr;
    u16 lport;
    u16 dport;
};
BPF_HASH(sent, struct key_t);
BPF_HASH(received, struct key_t);

static void fill(struct key_t *key, struct sock *sk)
{
    key->pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&key->name, sizeof(key->name));
}

int on_send(struct pt_regs *ctx, struct sock *sk, struct msghdr *msg, size_t size)
{
    u16 family = sk->__sk_common.skc_family;
    if (family != AF_INET)
        return 0;
    struct key_t key = {};
    fill(&key, sk);
    key.saddr = sk->__sk_common.skc_rcv_saddr;
    key.daddr = sk->__sk_common.skc_daddr;
    key.lport = sk->__sk_common.skc_num;
    key.dport = ntohs(sk->__sk_common.skc_dport);
    sent.increment(key, size);
    return 0;
}

int on_receive(struct pt_regs *ctx, struct sock *sk, int copied)
{
    u16 family = sk->__sk_common.skc_family;
    if (copied <= 0 || family != AF_INET)
        return 0;
    struct key_t key = {};
    fill(&key, sk);
    key.saddr = sk->__sk_common.skc_rcv_saddr;
    key.daddr = sk->__sk_common.skc_daddr;
    key.lport = sk->__sk_common.skc_num;
    key.dport = ntohs(sk->__sk_common.skc_dport);
    received.increment(key, copied);
    return 0;
}
