BPF_HASH(h, u32, u64);
BPF_HASH(other, u32, u64);

#define COUNT(k) h.increment(k)
#define INCR(map, k, n) map.increment(k, n)
#define GET(map, k) ({ u32 key_ = k; map.lookup(&key_); })

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 *v;

	COUNT(1);
	INCR(other, 2, 10);
	INCR(other, 2, 11);
	v = GET(other, 2);
	return v ? *v : -1;
}
