BPF_TABLE("lru_hash", u32, u64, lru, 64);
BPF_TABLE("lru_percpu_hash", u32, u64, lru_percpu, 64);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 7;
	u64 leaf = 49;

	lru.update(&key, &leaf);
	lru_percpu.update(&key, &leaf);
	return 0;
}
