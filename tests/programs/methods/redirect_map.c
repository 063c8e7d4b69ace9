BPF_DEVMAP(devices, 4);

int prog(struct xdp_md *ctx)
{
	return devices.redirect_map(1, 0);
}

int fallback(struct xdp_md *ctx)
{
	return devices.redirect_map(3, XDP_PASS);
}
