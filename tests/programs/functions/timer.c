struct slot { struct bpf_timer timer; u64 fired; };
BPF_ARRAY(slots, struct slot, 1);

static int fire(void *map, int *key, struct slot *slot)
{
	slot->fired += *key + 1;
	return 0;
}

int prog(struct __sk_buff *skb)
{
	int at = 0;
	struct slot *slot = slots.lookup(&at);

	if (!slot)
		return 1;
	bpf_timer_init(&slot->timer, &slots, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&slot->timer, fire);
	return bpf_timer_start(&slot->timer, 1000, 0);
}
