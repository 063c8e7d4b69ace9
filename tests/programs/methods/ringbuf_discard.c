struct event { u64 a; };
BPF_RINGBUF_OUTPUT(events, 1);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct event *e = events.ringbuf_reserve(sizeof(*e));

	if (!e)
		return 1;
	e->a = ctx->args[0];
	if (e->a == 1)
		events.ringbuf_discard(e, 0);
	else
		events.ringbuf_submit(e, 0);
	return 0;
}
