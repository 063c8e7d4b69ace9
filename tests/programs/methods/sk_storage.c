BPF_SK_STORAGE(per_socket, u64);

int prog(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	u64 init = 5, *v;

	if (!sk)
		return 100;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 101;
	if (per_socket.sk_storage_get(sk, 0, 0))
		return 102;
	v = per_socket.sk_storage_get(sk, &init, BPF_SK_STORAGE_GET_F_CREATE);
	if (!v || *v != 5)
		return 103;
	if (per_socket.sk_storage_delete(sk))
		return 104;
	return per_socket.sk_storage_get(sk, 0, 0) ? 105 : 55;
}
