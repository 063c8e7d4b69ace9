BPF_HASH(numbers, u32, u32);
BPF_HASH(values, u32, u64);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 1, zero = 2;
	u64 v = 30, *found;

	values.update(numbers.lookup_or_init(&key, &zero), &v);
	found = values.lookup(numbers.lookup_or_init(&key, &zero));
	return found ? *found : -1;
}
