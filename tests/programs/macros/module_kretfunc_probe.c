BPF_HASH(seen, u32, u64);

MODULE_KRETFUNC_PROBE(veth, veth_xmit, struct sk_buff *skb, struct net_device *dev, int ret)
{
	seen.increment(1, dev->mtu);
	seen.increment(2, ret + 1);
	return 0;
}
