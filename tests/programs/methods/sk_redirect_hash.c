BPF_SOCKHASH(sockets, u32, 8);
BPF_ARRAY(out, u64, 1);

int prog(struct __sk_buff *skb)
{
	u32 key = 1;

	out.increment(0);
	return sockets.sk_redirect_hash(skb, &key, 0);
}

int parser(struct __sk_buff *skb)
{
	return skb->len;
}
