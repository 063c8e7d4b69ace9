BPF_PERF_ARRAY(clock, 128);
BPF_ARRAY(out, u64, 1);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	int at = 0;
	u64 value = clock.perf_read(CUR_CPU_IDENTIFIER);

	out.update(&at, &value);
	return (s64)value < 0 && (s64)value > -256;
}
