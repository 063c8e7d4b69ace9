BPF_HASH(h, u32, u64);

#define COUNTER(name, k) \
	int name(struct bpf_raw_tracepoint_args *ctx) \
	{ \
		u32 key = k; \
		u64 zero = 0, *v = h.lookup_or_init(&key, &zero); \
		*v += k; \
		return *v; \
	}

COUNTER(first, 3)
COUNTER(second, 4)
