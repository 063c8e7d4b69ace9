BPF_SOCKHASH(sockets, u32, 8);
BPF_ARRAY(out, u64, 1);

int prog(struct sk_msg_md *msg)
{
	u32 key = 1;

	out.increment(0);
	return sockets.msg_redirect_hash(msg, &key, BPF_F_INGRESS);
}
