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

#ifdef __BCC_PARSE__

int bpf_trace_printk(const char *fmt, ...);
int bpf_num_cpus(void);
int bpf_usdt_readarg(int number, void *ctx, void *value);
int bpf_usdt_readarg_p(int number, void *ctx, void *buf, u64 len);
int incr_cksum_l3(u64 off, u64 old_value, u64 new_value);
int incr_cksum_l4(u64 off, u64 old_value, u64 new_value, int is_pseudo);

#else

/* The format must be a literal: it is copied to the stack, which is where the kernel looks for it. */
#define bpf_trace_printk(...) BCC_TRACE_PRINTK(__VA_ARGS__)
#define BCC_TRACE_PRINTK(fmt, ...) ({ \
	char bcc_fmt[] = fmt; \
	bpf_trace_printk_(bcc_fmt, sizeof(bcc_fmt), ##__VA_ARGS__); \
})

/* BCC_NUM_CPUS comes from the Target. */
#define bpf_num_cpus() (BCC_NUM_CPUS)

/* The first argument, the name of the function the call is in, is put there by the compiler. A call
 * in a macro's body finds out at run time which handler it is in.
 */
#define bpf_usdt_readarg(...) BCC_USDT_READARG(_any, __VA_ARGS__)
#define bpf_usdt_readarg_p(...) BCC_USDT_READARG_P(_any, __VA_ARGS__)
#define bcc_usdt_readarg(...) BCC_USDT_READARG(__VA_ARGS__)
#define BCC_USDT_READARG(function, number, ctx, ...) \
	_bpf_readarg_##function##_##number(ctx, __VA_ARGS__, sizeof(*(__VA_ARGS__)))
#define bcc_usdt_readarg_p(...) BCC_USDT_READARG_P(__VA_ARGS__)
#define BCC_USDT_READARG_P(function, number, ctx, ...) ({ \
	u64 bcc_addr = 0; \
	_bpf_readarg_##function##_##number(ctx, &bcc_addr, sizeof(bcc_addr)); \
	BCC_READ_USER(__VA_ARGS__, (void *)bcc_addr); \
})
#define BCC_READ_USER(...) bpf_probe_read_user(__VA_ARGS__)

/* bcc_packet, the packet that the enclosing function works on, is declared by the compiler. */
#define incr_cksum_l3(off, old_value, new_value) \
	bpf_l3_csum_replace(bcc_packet, (u64)(off), old_value, new_value, sizeof(new_value))
#define incr_cksum_l4(off, old_value, new_value, is_pseudo) \
	bpf_l4_csum_replace(bcc_packet, (u64)(off), old_value, new_value, \
		((is_pseudo & 1) << 4) | sizeof(new_value))

#endif
