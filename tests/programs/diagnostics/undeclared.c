int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return no_such_name_anywhere;
}
