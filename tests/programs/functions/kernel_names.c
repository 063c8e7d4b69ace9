int kprobe__not_a_function_at_all(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

int a_long_name_of_a_program(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
