BPF_HASH(plain, u32, u64);
BPF_TABLE("lru_hash", u32, u64, lru, 16);
BPF_ARRAY(array, u64, 4);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	plain.atomic_increment(6);
	plain.atomic_increment(6, 41);
	lru.atomic_increment(3, 5);
	array.atomic_increment(1);
	return 0;
}
