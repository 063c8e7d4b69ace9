BPF_RINGBUF_OUTPUT(events, 2);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct bpf_dynptr d;
	u64 v = 91;
	long error = bpf_ringbuf_reserve_dynptr(&events, 8, 0, &d);

	if (!error)
		bpf_dynptr_write(&d, 0, &v, sizeof(v), 0);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return error;
}
