BPF_XSKMAP(sockets, 4);
BPF_XSKMAP(pinned, 4, "/sys/fs/bpf/dialect/xsk");

int prog(struct xdp_md *ctx)
{
	u32 at = 0;

	if (sockets.lookup(&at))
		return XDP_DROP;
	return sockets.redirect_map(at, XDP_PASS);
}
