struct pair { u32 ip; u32 port; };
BPF_SOCKHASH(by_pair, struct pair, 8);

int prog(struct bpf_sock_ops *ops)
{
	struct pair key = { 0x7f000001, ops->local_port };

	if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		by_pair.sock_hash_update(ops, &key, BPF_ANY);
	return 0;
}
