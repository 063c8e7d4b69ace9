struct event { u64 a; u32 b; };
BPF_RINGBUF_OUTPUT(events, 1);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct event *e = events.ringbuf_reserve(sizeof(struct event));

	if (!e)
		return 1;
	e->a = 81;
	e->b = 82;
	events.ringbuf_submit(e, 0);
	return 0;
}
