BPF_TABLE("no_such_kind", u32, u64, t, 16);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 1;

	return t.delete(&key);
}
