/* Functions that are part of the dialect rather than of the kernel. */
#pragma once

#define MASK(n) ((n) < 64 ? (1ull << (n)) - 1 : -1ull)
#define MASK128(n) ((n) < 128 ? ((unsigned __int128)1 << (n)) - 1 : ~(unsigned __int128)0)

#define lock_xadd(ptr, val) ((void)__sync_fetch_and_add(ptr, val))

/* Position of the highest set bit; 0 for 0 and 1. */
static __always_inline unsigned int bpf_log2(unsigned int v)
{
	unsigned int shift, r;

	r = (v > 0xffff) << 4;
	v >>= r;
	shift = (v > 0xff) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	r |= shift;
	r |= v >> 1;
	return r;
}

/* Slot of a power-of-two histogram: 1 for 0 and 1, 2 for 2 and 3, 3 for 4 to 7, ... */
static __always_inline unsigned int bpf_log2l(unsigned long long v)
{
	unsigned int high = v >> 32;

	if (high)
		return bpf_log2(high) + 33;
	return bpf_log2(v) + 1;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BCC_BIG_ENDIAN(bits, v) __builtin_bswap##bits(v)
#else
#define BCC_BIG_ENDIAN(bits, v) (v)
#endif

static __always_inline unsigned short bpf_ntohs(unsigned short v)
{
	return BCC_BIG_ENDIAN(16, v);
}

static __always_inline unsigned short bpf_htons(unsigned short v)
{
	return BCC_BIG_ENDIAN(16, v);
}

static __always_inline unsigned int bpf_ntohl(unsigned int v)
{
	return BCC_BIG_ENDIAN(32, v);
}

static __always_inline unsigned int bpf_htonl(unsigned int v)
{
	return BCC_BIG_ENDIAN(32, v);
}

static __always_inline unsigned long long bpf_ntohll(unsigned long long v)
{
	return BCC_BIG_ENDIAN(64, v);
}

static __always_inline unsigned long long bpf_htonll(unsigned long long v)
{
	return BCC_BIG_ENDIAN(64, v);
}

static __always_inline unsigned __int128 bpf_ntoh128(unsigned __int128 v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return ((unsigned __int128)bpf_ntohll(v) << 64) | bpf_ntohll(v >> 64);
#else
	return v;
#endif
}

static __always_inline unsigned __int128 bpf_hton128(unsigned __int128 v)
{
	return bpf_ntoh128(v);
}

static __always_inline int bpf_tail_call_(void *map, void *ctx, u64 index)
{
	return bpf_tail_call(ctx, map, index);
}

static __always_inline int bcc_get_stackid_(void *map, void *ctx, u64 flags)
{
	return bpf_get_stackid(ctx, map, flags);
}

/* Copies from a tracepoint's dynamic array: the offset is in the low half of the member. */
#define TP_DATA_LOC_READ_CONST(dst, field, length) do { \
	u16 bcc_offset = args->data_loc_##field & 0xffff; \
	bpf_probe_read((void *)(dst), length, (char *)args + bcc_offset); \
} while (0)
#define TP_DATA_LOC_READ(dst, field) do { \
	u16 bcc_offset = args->data_loc_##field & 0xffff; \
	u16 bcc_length = (u32)args->data_loc_##field >> 16; \
	bpf_probe_read((void *)(dst), bcc_length, (char *)args + bcc_offset); \
} while (0)
#define TP_DATA_LOC_READ_STR(dst, field, length) do { \
	u16 bcc_offset = args->data_loc_##field & 0xffff; \
	bpf_probe_read_str((void *)(dst), length, (char *)args + bcc_offset); \
} while (0)
