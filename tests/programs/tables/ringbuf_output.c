struct event { u32 a; u64 b; char c[8]; };
BPF_RINGBUF_OUTPUT(events, 1 << 2);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = { .a = 17, .b = 1ull << 40, .c = "ring" };

	return events.ringbuf_output(&e, sizeof(e), 0);
}
