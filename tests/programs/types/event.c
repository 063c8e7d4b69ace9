struct event {
	char c;
	u8 byte;
	s16 small;
	u32 number;
	u64 big;
	int many[3];
	char comm[16];
	void *address;
};
BPF_PERF_OUTPUT(events);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct event e = {};

	e.c = 'q';
	e.byte = 255;
	e.small = -2;
	e.number = 3;
	e.big = 4;
	e.many[2] = 5;
	__builtin_memcpy(e.comm, "event", 6);
	e.address = (void *)6;
	events.perf_submit(ctx, &e, sizeof(e));
	return 0;
}
