BPF_SOCKHASH(one);
BPF_SOCKHASH(two, u64);
BPF_SOCKHASH(three, u64, 6);

int prog(struct bpf_sock_ops *ops)
{
	u64 key = 31;

	if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		three.sock_hash_update(ops, &key, BPF_NOEXIST);
	return 0;
}
