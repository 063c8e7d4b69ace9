BPF_PERF_ARRAY(clock, 128);
BPF_ARRAY(out, struct bpf_perf_event_value, 1);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct bpf_perf_event_value v = {};
	int at = 0, error = clock.perf_counter_value(CUR_CPU_IDENTIFIER, &v, sizeof(v));

	out.update(&at, &v);
	return error;
}
