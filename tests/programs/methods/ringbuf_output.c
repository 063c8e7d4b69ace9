struct event { u64 a; u16 b; u8 c; };
BPF_RINGBUF_OUTPUT(events, 8);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = {};

	e.a = ctx->args[0];
	e.b = 600;
	e.c = 7;
	return events.ringbuf_output(&e, sizeof(e), BPF_RB_FORCE_WAKEUP);
}
