BPF_ARRAY(a, u64, 4);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	int at = 1;
	u64 v = 2;

	return a.insert(&at, &v);
}
