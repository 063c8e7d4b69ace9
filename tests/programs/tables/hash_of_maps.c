BPF_ARRAY(inner, u64, 2);
BPF_HASH_OF_MAPS(two, "inner");
BPF_HASH_OF_MAPS(three, u64, "inner");
BPF_HASH_OF_MAPS(four, u64, "inner", 5);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 key = 9;
	int at = 1;
	void *map = four.lookup(&key);
	u64 *leaf;

	if (!map)
		return -1;
	leaf = bpf_map_lookup_elem(map, &at);
	return leaf ? *leaf : -2;
}
