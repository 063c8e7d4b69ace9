BPF_CPUMAP(cpus, 4);

int prog(struct xdp_md *ctx)
{
	return cpus.redirect_map(0, 0);
}
