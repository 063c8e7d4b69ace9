BPF_RINGBUF_OUTPUT(events, 2);
BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 v = 1;

	events.ringbuf_output(&v, sizeof(v), 0);
	put(0, events.ringbuf_query(BPF_RB_AVAIL_DATA));
	put(1, events.ringbuf_query(BPF_RB_RING_SIZE));
	put(2, events.ringbuf_query(BPF_RB_CONS_POS));
	put(3, events.ringbuf_query(BPF_RB_PROD_POS));
	return 0;
}
