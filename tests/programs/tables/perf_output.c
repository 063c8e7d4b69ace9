struct event { u32 a; u64 b; char c[8]; };
BPF_PERF_OUTPUT(events);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = { .a = 17, .b = 1ull << 40, .c = "perf" };

	return events.perf_submit(ctx, &e, sizeof(e));
}
