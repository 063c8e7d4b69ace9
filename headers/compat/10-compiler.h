/* What the compiler's own headers and linux/kernel.h give. */
//@header linux/stddef.h linux/types.h
#define NULL ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)
#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define FIELD_SIZEOF(type, member) sizeof(((type *)0)->member)

//@header linux/compiler.h linux/compiler_types.h
#define __always_inline inline __attribute__((always_inline))
#define noinline __attribute__((noinline))
#define __noinline __attribute__((noinline))
#define __maybe_unused __attribute__((unused))
#define __used __attribute__((used))
#define __packed __attribute__((packed))
#define __aligned(x) __attribute__((aligned(x)))
#define __section(s) __attribute__((section(s)))
#define __weak __attribute__((weak))
#define __attribute_const__ __attribute__((const))
#define __must_check __attribute__((warn_unused_result))
#define __printf(a, b) __attribute__((format(printf, a, b)))
#define __cold __attribute__((cold))
#define __hot __attribute__((hot))
#define __pure __attribute__((pure))
#define __deprecated
#define fallthrough __attribute__((fallthrough))
#define __user
#define __kernel
#define __rcu
#define __percpu
#define __iomem
#define __force
#define __bitwise
#define __safe
#define __private
#define __nocast
#define __must_hold(x)
#define __acquires(x)
#define __releases(x)
#define __init
#define __exit
#define __initdata
#define __read_mostly
#define __ro_after_init
#define __seg_gs
#define __seg_fs
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ __volatile__("" : : : "memory")
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, val) do { *(volatile __typeof__(x) *)&(x) = (val); } while (0)
#define ACCESS_ONCE(x) (*(volatile __typeof__(x) *)&(x))
#define smp_load_acquire(p) READ_ONCE(*(p))
#define smp_store_release(p, v) WRITE_ONCE(*(p), v)
#define rcu_dereference(p) READ_ONCE(p)
#define rcu_dereference_raw(p) READ_ONCE(p)
#define rcu_access_pointer(p) READ_ONCE(p)
#define rcu_dereference_protected(p, c) (p)
#define rcu_read_lock() do { } while (0)
#define rcu_read_unlock() do { } while (0)
#define __same_type(a, b) __builtin_types_compatible_p(__typeof__(a), __typeof__(b))
#define __must_be_array(a) 0
#define __stringify_1(x...) #x
#define __stringify(x...) __stringify_1(x)
#define __PASTE_1(a, b) a##b
#define __PASTE(a, b) __PASTE_1(a, b)
#define __UNIQUE_ID(prefix) __PASTE(__PASTE(__UNIQUE_ID_, prefix), __COUNTER__)
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), "BUILD_BUG_ON")
#define static_assert(expr, ...) _Static_assert(expr, #expr)

//@header linux/kconfig.h
#define __BCC_ARG_PLACEHOLDER_1 0,
#define __bcc_second(ignored, value, ...) value
#define __bcc_is_defined_3(one_or_junk) __bcc_second(one_or_junk 1, 0)
#define __bcc_is_defined_2(value) __bcc_is_defined_3(__BCC_ARG_PLACEHOLDER_##value)
#define __bcc_is_defined(option) __bcc_is_defined_2(option)
#define IS_BUILTIN(option) __bcc_is_defined(option)
#define IS_MODULE(option) __bcc_is_defined(option##_MODULE)
#define IS_ENABLED(option) (__bcc_is_defined(option) || __bcc_is_defined(option##_MODULE))
#define IS_REACHABLE(option) IS_ENABLED(option)

//@header linux/string.h
#define memset(...) __builtin_memset(__VA_ARGS__)
#define memcpy(...) __builtin_memcpy(__VA_ARGS__)
#define memmove(...) __builtin_memmove(__VA_ARGS__)
#define memcmp(...) __builtin_memcmp(__VA_ARGS__)
#define strlen(...) __builtin_strlen(__VA_ARGS__)

//@header linux/kernel.h linux/minmax.h linux/container_of.h linux/array_size.h linux/align.h linux/math.h
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((void *)(ptr) - offsetof(type, member)))
#define min(x, y) ({ __typeof__(x) _bcc_min_a = (x); __typeof__(y) _bcc_min_b = (y); _bcc_min_a < _bcc_min_b ? _bcc_min_a : _bcc_min_b; })
#define max(x, y) ({ __typeof__(x) _bcc_max_a = (x); __typeof__(y) _bcc_max_b = (y); _bcc_max_a > _bcc_max_b ? _bcc_max_a : _bcc_max_b; })
#define min3(x, y, z) min(min(x, y), z)
#define max3(x, y, z) max(max(x, y), z)
#define min_t(type, x, y) ({ type _bcc_min_ta = (x); type _bcc_min_tb = (y); _bcc_min_ta < _bcc_min_tb ? _bcc_min_ta : _bcc_min_tb; })
#define max_t(type, x, y) ({ type _bcc_max_ta = (x); type _bcc_max_tb = (y); _bcc_max_ta > _bcc_max_tb ? _bcc_max_ta : _bcc_max_tb; })
#define clamp(val, lo, hi) min((__typeof__(val))max(val, lo), hi)
#define clamp_t(type, val, lo, hi) min_t(type, max_t(type, val, lo), hi)
#define clamp_val(val, lo, hi) clamp_t(__typeof__(val), val, lo, hi)
#define swap(a, b) do { __typeof__(a) _bcc_swap = (a); (a) = (b); (b) = _bcc_swap; } while (0)
#define abs(x) ({ __typeof__(x) _bcc_abs = (x); _bcc_abs < 0 ? -_bcc_abs : _bcc_abs; })
#define ALIGN(x, a) (((x) + ((__typeof__(x))(a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define PTR_ALIGN(p, a) ((__typeof__(p))ALIGN((unsigned long)(p), (a)))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define round_up(x, y) ((((x) - 1) | ((__typeof__(x))((y) - 1))) + 1)
#define round_down(x, y) ((x) & ~((__typeof__(x))((y) - 1)))
#define roundup(x, y) ((((x) + ((y) - 1)) / (y)) * (y))
#define rounddown(x, y) ((x) - ((x) % (y)))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d) (((unsigned long long)(n) + (d) - 1) / (d))
#define DIV_ROUND_CLOSEST(x, d) (((x) + ((d) / 2)) / (d))
#define upper_32_bits(n) ((u32)(((n) >> 16) >> 16))
#define lower_32_bits(n) ((u32)((n) & 0xffffffff))
#define typecheck(type, x) 1

//@header linux/bits.h linux/bitops.h vdso/bits.h linux/const.h
#define BIT(nr) (1UL << (nr))
#define BIT_ULL(nr) (1ULL << (nr))
#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
#define BITS_PER_LONG_LONG 64
#define BITS_PER_TYPE(type) (sizeof(type) * BITS_PER_BYTE)
#define BITS_TO_LONGS(nr) DIV_ROUND_UP(nr, BITS_PER_LONG)
#define BIT_MASK(nr) (1UL << ((nr) % BITS_PER_LONG))
#define BIT_WORD(nr) ((nr) / BITS_PER_LONG)
#define GENMASK(h, l) (((~0UL) - (1UL << (l)) + 1) & (~0UL >> (BITS_PER_LONG - 1 - (h))))
#define GENMASK_ULL(h, l) (((~0ULL) - (1ULL << (l)) + 1) & (~0ULL >> (63 - (h))))
#define _AC(X, Y) __PASTE(X, Y)
#define _UL(x) (_AC(x, UL))
#define _ULL(x) (_AC(x, ULL))
#define UL(x) (_UL(x))
#define ULL(x) (_ULL(x))
#define _BITUL(x) (_UL(1) << (x))
#define _BITULL(x) (_ULL(1) << (x))
#define test_bit(nr, addr) ((((const unsigned long *)(addr))[BIT_WORD(nr)] >> ((nr) % BITS_PER_LONG)) & 1)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

//@header linux/log2.h
#define __bcc_fls64(n) ((n) < 1 ? 0 : 64 - __builtin_clzll(n))
#define ilog2(n) (63 - __builtin_clzll((unsigned long long)(n)))
#define is_power_of_2(n) ((n) != 0 && (((n) & ((n) - 1)) == 0))
#define roundup_pow_of_two(n) ((n) <= 1 ? 1UL : 1UL << (64 - __builtin_clzll((unsigned long long)(n) - 1)))
#define rounddown_pow_of_two(n) (1UL << (63 - __builtin_clzll((unsigned long long)(n))))
#define order_base_2(n) ((n) <= 1 ? 0 : 64 - __builtin_clzll((unsigned long long)(n) - 1))
#define hweight64(n) __builtin_popcountll(n)
#define hweight32(n) __builtin_popcount(n)
#define fls(x) ((x) ? 32 - __builtin_clz(x) : 0)
#define fls64(x) ((x) ? 64 - __builtin_clzll(x) : 0)
#define __ffs(x) __builtin_ctzl(x)
#define ffs(x) __builtin_ffs(x)

//@header linux/version.h generated/uapi/linux/version.h
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#define LINUX_VERSION_MAJOR (LINUX_VERSION_CODE >> 16)
#define LINUX_VERSION_PATCHLEVEL ((LINUX_VERSION_CODE >> 8) & 255)
#define LINUX_VERSION_SUBLEVEL (LINUX_VERSION_CODE & 255)

//@header asm/byteorder.h linux/byteorder/generic.h linux/byteorder/little_endian.h
#define __BYTE_ORDER __BYTE_ORDER__
#define __LITTLE_ENDIAN 1234
#define __LITTLE_ENDIAN_BITFIELD
#define ___constant_swab16(x) __builtin_bswap16(x)
#define __swab16(x) __builtin_bswap16(x)
#define __swab32(x) __builtin_bswap32(x)
#define __swab64(x) __builtin_bswap64(x)
#define swab16(x) __builtin_bswap16(x)
#define swab32(x) __builtin_bswap32(x)
#define swab64(x) __builtin_bswap64(x)
#define ntohs(x) ((__u16)__builtin_bswap16((__u16)(x)))
#define htons(x) ((__be16)__builtin_bswap16((__u16)(x)))
#define ntohl(x) ((__u32)__builtin_bswap32((__u32)(x)))
#define htonl(x) ((__be32)__builtin_bswap32((__u32)(x)))
#define be16_to_cpu(x) ((__u16)__builtin_bswap16((__u16)(x)))
#define be32_to_cpu(x) ((__u32)__builtin_bswap32((__u32)(x)))
#define be64_to_cpu(x) ((__u64)__builtin_bswap64((__u64)(x)))
#define cpu_to_be16(x) ((__be16)__builtin_bswap16((__u16)(x)))
#define cpu_to_be32(x) ((__be32)__builtin_bswap32((__u32)(x)))
#define cpu_to_be64(x) ((__be64)__builtin_bswap64((__u64)(x)))
#define __be16_to_cpu(x) be16_to_cpu(x)
#define __be32_to_cpu(x) be32_to_cpu(x)
#define __be64_to_cpu(x) be64_to_cpu(x)
#define __cpu_to_be16(x) cpu_to_be16(x)
#define __cpu_to_be32(x) cpu_to_be32(x)
#define __cpu_to_be64(x) cpu_to_be64(x)
#define __constant_htons(x) htons(x)
#define __constant_ntohs(x) ntohs(x)
#define __constant_htonl(x) htonl(x)
#define __constant_ntohl(x) ntohl(x)
#define le16_to_cpu(x) ((__u16)(x))
#define le32_to_cpu(x) ((__u32)(x))
#define le64_to_cpu(x) ((__u64)(x))
#define cpu_to_le16(x) ((__le16)(x))
#define cpu_to_le32(x) ((__le32)(x))
#define cpu_to_le64(x) ((__le64)(x))
#define __le16_to_cpu(x) le16_to_cpu(x)
#define __le32_to_cpu(x) le32_to_cpu(x)
#define __le64_to_cpu(x) le64_to_cpu(x)
#define __cpu_to_le16(x) cpu_to_le16(x)
#define __cpu_to_le32(x) cpu_to_le32(x)
#define __cpu_to_le64(x) cpu_to_le64(x)

//@header linux/err.h
#define MAX_ERRNO 4095
#define IS_ERR_VALUE(x) ((unsigned long)(void *)(x) >= (unsigned long)-MAX_ERRNO)
static inline void *ERR_PTR(long error)
{
	return (void *)error;
}
static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}
static inline bool IS_ERR(const void *ptr)
{
	return IS_ERR_VALUE((unsigned long)ptr);
}
static inline bool IS_ERR_OR_NULL(const void *ptr)
{
	return !ptr || IS_ERR_VALUE((unsigned long)ptr);
}
static inline int PTR_ERR_OR_ZERO(const void *ptr)
{
	return IS_ERR(ptr) ? PTR_ERR(ptr) : 0;
}
static inline void *ERR_CAST(const void *ptr)
{
	return (void *)ptr;
}

//@header linux/math64.h asm/div64.h
#define div64_long(x, y) div64_s64((x), (y))
#define div64_ul(x, y) div64_u64((x), (y))
#define do_div(n, base) ({ u32 _bcc_base = (base); u32 _bcc_rem = (u64)(n) % _bcc_base; (n) = (u64)(n) / _bcc_base; _bcc_rem; })
static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}
static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}
static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}
static inline s64 div64_s64(s64 dividend, s64 divisor)
{
	u64 n = dividend < 0 ? -(u64)dividend : (u64)dividend;
	u64 d = divisor < 0 ? -(u64)divisor : (u64)divisor;
	u64 q = n / d;
	return (dividend < 0) != (divisor < 0) ? -(s64)q : (s64)q;
}
static inline s64 div_s64(s64 dividend, s32 divisor)
{
	return div64_s64(dividend, divisor);
}
static inline u64 mul_u32_u32(u32 a, u32 b)
{
	return (u64)a * b;
}

//@header linux/time64.h vdso/time64.h linux/ktime.h linux/time.h linux/jiffies.h
#define MSEC_PER_SEC 1000L
#define USEC_PER_MSEC 1000L
#define NSEC_PER_USEC 1000L
#define NSEC_PER_MSEC 1000000L
#define USEC_PER_SEC 1000000L
#define NSEC_PER_SEC 1000000000L
#define PSEC_PER_SEC 1000000000000LL
#define FSEC_PER_SEC 1000000000000000LL
#define KTIME_MAX ((s64)~((u64)1 << 63))
#define TIME64_MAX ((s64)~((u64)1 << 63))
#define time_after(a, b) ((long)((b) - (a)) < 0)
#define time_before(a, b) time_after(b, a)
#define ktime_to_ns(kt) (kt)
#define ktime_sub(a, b) ((a) - (b))
#define ktime_add(a, b) ((a) + (b))
#define ns_to_ktime(ns) (ns)
static inline s64 ktime_to_us(ktime_t kt)
{
	return div_s64(kt, NSEC_PER_USEC);
}
static inline s64 ktime_to_ms(ktime_t kt)
{
	return div_s64(kt, NSEC_PER_MSEC);
}
static inline unsigned int jiffies_to_msecs(const unsigned long j)
{
	return (MSEC_PER_SEC / HZ) * j;
}
static inline unsigned int jiffies_to_usecs(const unsigned long j)
{
	return (USEC_PER_SEC / HZ) * j;
}

//@header asm/page.h asm/page_types.h
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(addr) ALIGN(addr, PAGE_SIZE)
#define offset_in_page(p) ((unsigned long)(p) & ~PAGE_MASK)
//@if arch x86
#define __START_KERNEL_map 0xffffffff80000000UL
/* Where the kernel's linear mapping begins is known when the kernel runs: it depends on the depth of the
 * page tables and on the random seed of the boot. This is the lowest place that any of them gives, for
 * `address >= PAGE_OFFSET`: is it the kernel's?
 */
//@if arch x86
#define PAGE_OFFSET 0xff11000000000000UL
//@if arch arm64
#define PAGE_OFFSET 0xfff0000000000000UL
//@if arch powerpc
#define PAGE_OFFSET 0xc000000000000000UL
//@if arch riscv
#define PAGE_OFFSET 0xff60000000000000UL
//@if arch loongarch
#define PAGE_OFFSET 0x8000000000000000UL
//@if arch s390
#define PAGE_OFFSET 0x0UL
//@if arch x86
#define THREAD_SIZE (PAGE_SIZE << 2)
#define pfn_to_phys(pfn) ((u64)(pfn) << PAGE_SHIFT)

//@header linux/ptrace.h asm/ptrace.h linux/kprobes.h
#define regs_return_value(regs) PT_REGS_RC(regs)
#define instruction_pointer(regs) PT_REGS_IP(regs)
#define user_stack_pointer(regs) PT_REGS_SP(regs)
#define kernel_stack_pointer(regs) PT_REGS_SP(regs)
//@if arch x86
#define user_mode(regs) (((regs)->cs & 3) != 0)
//@if arch arm64
#define user_mode(regs) (((regs)->pstate & 0xf) == 0)

//@header linux/bitops.h
static inline s32 sign_extend32(u32 value, int index)
{
	return (s32)(value << (31 - index)) >> (31 - index);
}
static inline s64 sign_extend64(u64 value, int index)
{
	return (s64)(value << (63 - index)) >> (63 - index);
}

//@header linux/hash.h
#define GOLDEN_RATIO_32 0x61C88647
#define GOLDEN_RATIO_64 0x61C8864680B583EBull
#define hash_32(value, bits) ((u32)((u32)(value) * GOLDEN_RATIO_32) >> (32 - (bits)))
#define hash_64(value, bits) ((u32)((u64)(value) * GOLDEN_RATIO_64 >> (64 - (bits))))
#define hash_long(value, bits) hash_64(value, bits)

//@header linux/printk.h
#define pr_info(...) do { } while (0)
#define EXPORT_SYMBOL(x)
#define EXPORT_SYMBOL_GPL(x)
