struct prefix { u32 len; u8 ip[4]; };
BPF_LPM_TRIE(one);
BPF_LPM_TRIE(two, struct prefix);
BPF_LPM_TRIE(three, struct prefix, u32);
BPF_LPM_TRIE(four, struct prefix, u32, 9);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct prefix net = { 16, { 10, 1, 0, 0 } }, host = { 32, { 10, 1, 2, 3 } };
	u32 leaf = 99, *found;

	four.update(&net, &leaf);
	found = four.lookup(&host);
	return found ? *found : -1;
}
