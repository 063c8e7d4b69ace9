BPF_SOCKMAP(by_index, 8);

int prog(struct bpf_sock_ops *ops)
{
	u32 at = 2;

	if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) {
		by_index.sock_map_update(ops, &at, BPF_ANY);
	}
	return 0;
}
