struct event { u32 pid; int delta; u64 when; char comm[16]; };
BPF_PERF_OUTPUT(events);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = {};

	e.pid = bpf_get_current_pid_tgid() >> 32;
	e.delta = -5;
	e.when = 1ull << 50;
	bpf_get_current_comm(&e.comm, sizeof(e.comm));
	return events.perf_submit(ctx, &e, sizeof(e));
}
