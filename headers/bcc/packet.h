/* Access to packets through offsets: skb loads and stores, and the functions that a member of a
 * packet header struct becomes.
 */
#pragma once

/* Marks a struct as a header in a packet: a pointer to it is an offset from the packet's start. */
#define BPF_PACKET_HEADER __attribute__((packed)) __attribute__((annotate("packet")))

unsigned long long bcc_load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");
unsigned long long bcc_load_half(void *skb, unsigned long long off) asm("llvm.bpf.load.half");
unsigned long long bcc_load_word(void *skb, unsigned long long off) asm("llvm.bpf.load.word");

static __always_inline u64 load_byte(void *skb, u64 off)
{
	return bcc_load_byte(skb, off);
}

static __always_inline u64 load_half(void *skb, u64 off)
{
	return bcc_load_half(skb, off);
}

static __always_inline u64 load_word(void *skb, u64 off)
{
	return bcc_load_word(skb, off);
}

static __always_inline u64 load_dword(void *skb, u64 off)
{
	return (bcc_load_word(skb, off) << 32) | bcc_load_word(skb, off + 4);
}

static __always_inline void bpf_store_byte(void *skb, u64 off, u64 val)
{
	u8 v = val;

	bpf_skb_store_bytes(skb, off, &v, sizeof(v), 0);
}

static __always_inline void bpf_store_half(void *skb, u64 off, u64 val)
{
	u16 v = bpf_htons(val);

	bpf_skb_store_bytes(skb, off, &v, sizeof(v), 0);
}

static __always_inline void bpf_store_word(void *skb, u64 off, u64 val)
{
	u32 v = bpf_htonl(val);

	bpf_skb_store_bytes(skb, off, &v, sizeof(v), 0);
}

static __always_inline void bpf_store_dword(void *skb, u64 off, u64 val)
{
	u64 v = bpf_htonll(val);

	bpf_skb_store_bytes(skb, off, &v, sizeof(v), 0);
}

/* Gives the cursor and moves it on by len. */
#define cursor_advance(cursor, len) ({ \
	void *bcc_at = (cursor); \
	(cursor) += (len); \
	bcc_at; \
})

/* Reads the field of `width` bits that starts `bit` bits (from the most significant) after `off`. */
static __always_inline u64 bpf_dext_pkt(void *skb, u64 off, u64 bit, u64 width)
{
	u64 end = bit + width;

	if (end <= 8)
		return (load_byte(skb, off) >> (8 - end)) & MASK(width);
	if (end <= 16)
		return (load_half(skb, off) >> (16 - end)) & MASK(width);
	if (end <= 32)
		return (load_word(skb, off) >> (32 - end)) & MASK(width);
	return (load_dword(skb, off) >> (64 - end)) & MASK(width);
}

/* Writes such a field, leaves its neighbours as they are, and gives what it holds then. */
static __always_inline u64 bpf_dins_pkt(void *skb, u64 off, u64 bit, u64 width, u64 val)
{
	u64 end = bit + width;
	u64 mask = MASK(width);

	if (end <= 8) {
		u64 old = width == 8 ? 0 : load_byte(skb, off) & ~(mask << (8 - end));

		bpf_store_byte(skb, off, old | (val & mask) << (8 - end));
	} else if (end <= 16) {
		u64 old = width == 16 ? 0 : load_half(skb, off) & ~(mask << (16 - end));

		bpf_store_half(skb, off, old | (val & mask) << (16 - end));
	} else if (end <= 32) {
		u64 old = width == 32 ? 0 : load_word(skb, off) & ~(mask << (32 - end));

		bpf_store_word(skb, off, old | (val & mask) << (32 - end));
	} else {
		u64 old = width == 64 ? 0 : load_dword(skb, off) & ~(mask << (64 - end));

		bpf_store_dword(skb, off, old | (val & mask) << (64 - end));
	}
	return val & mask;
}

/* A member of a packet header whose struct only the pointer's type tells, as in the body of a macro.
 * BCC_PKT_<member>, which the compiler defines, lists the headers that have it; other structs have it
 * in memory.
 */
#define BCC_PKT_READ(p, member) \
	_Generic((p), BCC_PKT_##member(p, bpf_dext_pkt) default: (p)->member)
#define BCC_PKT_WRITE(p, member, ...) \
	_Generic((p), BCC_PKT_##member(p, bpf_dins_pkt, , (__VA_ARGS__)) \
		default: (p)->member = (__VA_ARGS__))
#define BCC_PKT_CHANGE(p, member, op, ...) ({ \
	__typeof__(p) bcc_p = (p); \
	u64 bcc_v = BCC_PKT_READ(bcc_p, member) op (__VA_ARGS__); \
	BCC_PKT_WRITE(bcc_p, member, bcc_v); \
	bcc_v; \
})
#define BCC_PKT_STEP(p, member, op) ({ \
	__typeof__(p) bcc_q = (p); \
	u64 bcc_w = BCC_PKT_READ(bcc_q, member); \
	BCC_PKT_WRITE(bcc_q, member, bcc_w op 1); \
	bcc_w; \
})
