BPF_HASH(h, u32, u64);
#ifdef NOT_DEFINED
BPF_HASH(h, u64, u64);
int broken(struct pt_regs *ctx) { h.nonsense(1) }
#endif

int prog(struct bpf_raw_tracepoint_args *ctx)
{
#if defined(TWICE) && TWICE > 1
	h.increment(1, 2);
#else
	h.increment(1);
#endif
	return 0;
}
