BPF_HASH(inner, u32, u64, 8);
BPF_ARRAY_OF_MAPS(outer, "inner", 3);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	int at = 1;
	u32 key = 6;
	void *map = outer.lookup(&at);
	u64 *leaf;

	if (!map)
		return -1;
	leaf = bpf_map_lookup_elem(map, &key);
	return leaf ? *leaf : -2;
}
