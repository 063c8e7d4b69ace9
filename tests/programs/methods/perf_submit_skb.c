struct event { u32 magic; u32 len; };
BPF_PERF_OUTPUT(events);

int prog(struct __sk_buff *skb)
{
	struct event e = { 0xabcd, skb->len };

	events.perf_submit_skb(skb, skb->len, &e, sizeof(e));
	return 3;
}
