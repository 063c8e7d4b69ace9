struct counter { u64 seen; };
BPF_SK_STORAGE(per_socket, struct counter);

int prog(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct counter *c;

	if (!sk)
		return 100;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 101;
	c = per_socket.sk_storage_get(sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!c)
		return 102;
	c->seen += 1;
	return c->seen;
}
