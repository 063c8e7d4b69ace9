struct item { u64 a; u32 b; };
BPF_QUEUESTACK("queue", items, struct item, 4, 0);
BPF_QUEUESTACK_PINNED("stack", pinned_items, struct item, 4, 0, "/sys/fs/bpf/dialect/items");
BPF_QUEUESTACK_PUBLIC("queue", public_items, struct item, 4, 0);
BPF_QUEUESTACK_SHARED("stack", shared_items, struct item, 4, 0);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct item i = { 5, 6 };

	items.push(&i, 0);
	pinned_items.push(&i, 0);
	public_items.push(&i, 0);
	shared_items.push(&i, 0);
	return 0;
}
