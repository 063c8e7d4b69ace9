BPF_RINGBUF_OUTPUT(other, 1);
BPF_RINGBUF_OUTPUT(events, 1);
BPF_HASH(h, u32);

/* Fills `events` by one record a run: 8 bytes of header and 64 of data. */
int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 data[8] = { ctx->args[0] };

	h.increment(1);
	return events.ringbuf_output(data, sizeof(data), 0);
}

int reserve(struct bpf_raw_tracepoint_args *ctx)
{
	u64 *record = events.ringbuf_reserve(64);

	if (!record)
		return -1;
	events.ringbuf_discard(record, 0);
	return 0;
}
