#include <linux/bpf.h>
struct own_key { u32 ip; };
BPF_SOCKHASH(sock_hash, struct own_key, 1024);
int f(struct bpf_sock_ops *skops) { return skops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB ? skops->remote_ip4 : skops->local_port; }
