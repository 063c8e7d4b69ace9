BPF_HASH(from_header, u32, u64);

static inline void header_count(u32 key)
{
	from_header.increment(key, 4);
}

#define HEADER_COUNT(key) from_header.increment(key, 5)
