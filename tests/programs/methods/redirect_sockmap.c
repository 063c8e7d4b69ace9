BPF_SOCKMAP(sockets, 8);
BPF_ARRAY(out, u64, 2);

int message(struct sk_msg_md *msg)
{
	out.increment(0);
	return sockets.msg_redirect_map(msg, 1, BPF_F_INGRESS);
}

int verdict(struct __sk_buff *skb)
{
	out.increment(1);
	return sockets.sk_redirect_map(skb, 1, 0);
}
