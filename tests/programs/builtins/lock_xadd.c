BPF_ARRAY(out, u64, 1);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	int at = 0;
	u64 *v = out.lookup(&at);

	if (v)
		lock_xadd(v, 7);
	return 0;
}
