BPF_HASH(seen, u32, u64);

MODULE_KFUNC_PROBE(veth, veth_xmit, struct sk_buff *skb, struct net_device *dev)
{
	seen.increment(1, skb->len);
	return 0;
}
