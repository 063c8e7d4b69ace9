BPF_DEVMAP(devices, 4);

int prog(struct xdp_md *ctx)
{
	return devices.redirect_map(2, 0);
}
