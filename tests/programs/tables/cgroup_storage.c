BPF_CGROUP_STORAGE(seen, u64);
BPF_ARRAY(out, u64, 1);

int prog(struct __sk_buff *skb)
{
	int at = 0;
	u64 *n = (u64 *)seen.get_local_storage(0);

	*n += 1;
	out.update(&at, n);
	return 1;
}
