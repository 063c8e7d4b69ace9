BPF_HASH(h, u32, u64);
int f(struct pt_regs *ctx)
{
	u32 k = 0;
	h.lokup(&k);
	h.frobnicate(&k);
	return 0;
}
