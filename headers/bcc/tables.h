/* Table macros. Each declares
 *
 *     struct NAME_table_t { key; leaf; max_entries; flags; } NAME;
 *
 * in section "maps/KIND". The variable holds no data: its address becomes the map's descriptor when
 * the program is loaded. A kind may carry a pin path after ':' and the name of the inner map of a
 * map-in-map after '$'.
 */
#pragma once

#define BCC_MAP_FLAG_NO_PREALLOC 1    /* BPF_F_NO_PREALLOC */
#define BCC_MAP_FLAG_STACK_BUILD_ID 32 /* BPF_F_STACK_BUILD_ID */

/* Both come from the Target. */
#ifndef BCC_PAGE_SIZE
#define BCC_PAGE_SIZE 4096
#endif

#ifndef BPF_MAX_STACK_DEPTH
#define BPF_MAX_STACK_DEPTH 127
#endif

/* Whether increment() adds a missing key: on a plain hash only. A size rather than a value, because
 * the program cannot read the variable. What an extern table is, only the process knows: the loader
 * defines BCC_NOT_HASH_<name> for published tables that are of other types.
 */
#define BCC_ADDS_MISSING(kind, K, NAME) \
	(__builtin_strcmp(kind, "hash") == 0 || __builtin_strncmp(kind, "hash:", 5) == 0 || \
	 (__builtin_strcmp(kind, "extern") == 0 && !BCC_IS_ONE(BCC_NOT_HASH_##NAME)) || \
	 (__builtin_strcmp(kind, "histogram") == 0 && !__builtin_types_compatible_p(K, int)))

/* 1 if `x` is a macro that stands for 1, else 0. */
#define BCC_IS_ONE(x) BCC_IS_ONE_(x)
#define BCC_IS_ONE_(x) BCC_IS_ONE__(BCC_PAIR_##x)
#define BCC_IS_ONE__(pair) BCC_SECOND(pair 1, 0, 0)
#define BCC_PAIR_1 0,
#define BCC_SECOND(a, b, ...) b

/* A table with members `key` and `leaf`. */
#define BCC_TABLE(kind, K, L, NAME, max, fl, methods) \
	struct NAME##_table_t { \
		__typeof__(K) key; \
		__typeof__(L) leaf; \
		unsigned int max_entries; \
		unsigned int flags; \
		char bcc_adds_missing[BCC_ADDS_MISSING(kind, K, NAME)]; \
		methods \
	}; \
	__attribute__((section("maps/" kind))) struct NAME##_table_t NAME = { \
		.max_entries = (max), .flags = (fl) }

/* Publication is a second, never defined variable: `__NAME` in "maps/export" or "maps/shared". */
#define BCC_TABLE_SCOPE(NAME, scope) \
	extern __attribute__((section("maps/" scope))) struct NAME##_table_t __##NAME

#define BPF_F_TABLE(kind, K, L, NAME, max, fl) \
	BCC_TABLE(kind, K, L, NAME, max, fl, \
		BCC_TABLE_METHODS(__typeof__(K), __typeof__(L)))
#define BPF_TABLE(kind, K, L, NAME, max) BPF_F_TABLE(kind, K, L, NAME, max, 0)

#define BCC_PINNED6(kind, K, L, NAME, max, path) BPF_F_TABLE(kind ":" path, K, L, NAME, max, 0)
#define BCC_PINNED7(kind, K, L, NAME, max, path, fl) \
	BPF_F_TABLE(kind ":" path, K, L, NAME, max, fl)
#define BPF_TABLE_PINNED(...) \
	BCC_EIGHTH(__VA_ARGS__, BCC_PINNED7, BCC_PINNED6, 0, 0, 0, 0, 0)(__VA_ARGS__)

#define BPF_TABLE_PUBLIC(kind, K, L, NAME, max) \
	BPF_F_TABLE(kind, K, L, NAME, max, 0); \
	BCC_TABLE_SCOPE(NAME, "export")
#define BCC_SHARED5(kind, K, L, NAME, max) BCC_SHARED6(kind, K, L, NAME, max, 0)
#define BCC_SHARED6(kind, K, L, NAME, max, fl) \
	BPF_F_TABLE(kind, K, L, NAME, max, fl); \
	BCC_TABLE_SCOPE(NAME, "shared")
#define BPF_TABLE_SHARED(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, BCC_SHARED6, BCC_SHARED5, 0, 0, 0, 0)(__VA_ARGS__)

#define BCC_HASH1(NAME) BPF_TABLE("hash", u64, u64, NAME, 10240)
#define BCC_HASH2(NAME, K) BPF_TABLE("hash", K, u64, NAME, 10240)
#define BCC_HASH3(NAME, K, L) BPF_TABLE("hash", K, L, NAME, 10240)
#define BCC_HASH4(NAME, K, L, n) BPF_TABLE("hash", K, L, NAME, n)
#define BPF_HASH(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, BCC_HASH4, BCC_HASH3, BCC_HASH2, BCC_HASH1)(__VA_ARGS__)

#define BCC_PERCPU_HASH1(NAME) BPF_TABLE("percpu_hash", u64, u64, NAME, 10240)
#define BCC_PERCPU_HASH2(NAME, K) BPF_TABLE("percpu_hash", K, u64, NAME, 10240)
#define BCC_PERCPU_HASH3(NAME, K, L) BPF_TABLE("percpu_hash", K, L, NAME, 10240)
#define BCC_PERCPU_HASH4(NAME, K, L, n) BPF_TABLE("percpu_hash", K, L, NAME, n)
#define BPF_PERCPU_HASH(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, BCC_PERCPU_HASH4, BCC_PERCPU_HASH3, BCC_PERCPU_HASH2, \
		BCC_PERCPU_HASH1)(__VA_ARGS__)

#define BCC_ARRAY1(NAME) BPF_TABLE("array", int, u64, NAME, 10240)
#define BCC_ARRAY2(NAME, L) BPF_TABLE("array", int, L, NAME, 10240)
#define BCC_ARRAY3(NAME, L, n) BPF_TABLE("array", int, L, NAME, n)
#define BPF_ARRAY(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, 0, BCC_ARRAY3, BCC_ARRAY2, BCC_ARRAY1)(__VA_ARGS__)

#define BCC_PERCPU_ARRAY1(NAME) BPF_TABLE("percpu_array", int, u64, NAME, 10240)
#define BCC_PERCPU_ARRAY2(NAME, L) BPF_TABLE("percpu_array", int, L, NAME, 10240)
#define BCC_PERCPU_ARRAY3(NAME, L, n) BPF_TABLE("percpu_array", int, L, NAME, n)
#define BPF_PERCPU_ARRAY(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, 0, BCC_PERCPU_ARRAY3, BCC_PERCPU_ARRAY2, \
		BCC_PERCPU_ARRAY1)(__VA_ARGS__)

#define BCC_HIST1(NAME) BPF_TABLE("histogram", int, u64, NAME, 64)
#define BCC_HIST2(NAME, K) BPF_TABLE("histogram", K, u64, NAME, 64)
#define BCC_HIST3(NAME, K, n) BPF_TABLE("histogram", K, u64, NAME, n)
#define BPF_HISTOGRAM(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, 0, BCC_HIST3, BCC_HIST2, BCC_HIST1)(__VA_ARGS__)

#define BCC_LPM1(NAME) BCC_LPM4(NAME, u64, u64, 10240)
#define BCC_LPM2(NAME, K) BCC_LPM4(NAME, K, u64, 10240)
#define BCC_LPM3(NAME, K, L) BCC_LPM4(NAME, K, L, 10240)
#define BCC_LPM4(NAME, K, L, n) BPF_F_TABLE("lpm_trie", K, L, NAME, n, BCC_MAP_FLAG_NO_PREALLOC)
#define BPF_LPM_TRIE(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, BCC_LPM4, BCC_LPM3, BCC_LPM2, BCC_LPM1)(__VA_ARGS__)

struct bpf_stacktrace {
	u64 ip[BPF_MAX_STACK_DEPTH];
};

/* The kernel's struct bpf_stack_build_id, written out so that it need not be known here. */
struct bpf_stacktrace_buildid {
	struct {
		s32 status;
		unsigned char build_id[20];
		union {
			u64 offset;
			u64 ip;
		};
	} trace[BPF_MAX_STACK_DEPTH];
};

#define BPF_STACK_TRACE(NAME, n) \
	BPF_TABLE("stacktrace", int, struct bpf_stacktrace, NAME, BCC_POW2(n))
#define BPF_STACK_TRACE_BUILDID(NAME, n) \
	BPF_F_TABLE("stacktrace", int, struct bpf_stacktrace_buildid, NAME, BCC_POW2(n), \
		BCC_MAP_FLAG_STACK_BUILD_ID)

#define BPF_PROG_ARRAY(NAME, n) BPF_TABLE("prog", u32, u32, NAME, n)

/* max_entries 0: the loader puts the number of possible CPUs. */
#define BPF_PERF_OUTPUT(NAME) BCC_TABLE("perf_output", int, u32, NAME, 0, 0, BCC_PERF_METHODS)

/* Counts, per CPU, what found no room in the ring buffers of the module: one slot for each of them.
 * The compiler puts the number of slots.
 */
struct bcc_ring_losses_table_t {
	u32 key;
	u64 leaf;
};
#define BCC_RING_LOSSES \
	__attribute__((section("maps/percpu_array"))) struct bcc_ring_losses_table_t bcc_ring_losses

#define BPF_RINGBUF_OUTPUT(NAME, pages) \
	struct NAME##_table_t { \
		unsigned int max_entries; \
		unsigned int flags; \
		unsigned int loss_slot; \
		char bcc_loss_slot[__COUNTER__]; \
		BCC_RINGBUF_METHODS \
	}; \
	BCC_RING_LOSSES; \
	__attribute__((section("maps/ringbuf"))) struct NAME##_table_t NAME = { \
		.max_entries = (pages) * BCC_PAGE_SIZE, \
		.loss_slot = sizeof(((struct NAME##_table_t *)0)->bcc_loss_slot) }

#define BPF_PERF_ARRAY(NAME, n) \
	BCC_TABLE("perf_array", int, u32, NAME, n, 0, BCC_PERF_ARRAY_METHODS)
#define BPF_CGROUP_ARRAY(NAME, n) \
	BCC_TABLE("cgroup_array", int, u32, NAME, n, 0, BCC_CGROUP_ARRAY_METHODS)

#define BPF_DEVMAP(NAME, n) BCC_TABLE("devmap", u32, int, NAME, n, 0, BCC_REDIRECT_METHODS)
#define BPF_CPUMAP(NAME, n) BCC_TABLE("cpumap", u32, u32, NAME, n, 0, BCC_REDIRECT_METHODS)
#define BCC_XSKMAP2(NAME, n) BCC_TABLE("xskmap", u32, int, NAME, n, 0, BCC_XSK_METHODS(u32, int))
#define BCC_XSKMAP3(NAME, n, path) \
	BCC_TABLE("xskmap:" path, u32, int, NAME, n, 0, BCC_XSK_METHODS(u32, int))
#define BPF_XSKMAP(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, 0, BCC_XSKMAP3, BCC_XSKMAP2, 0)(__VA_ARGS__)

#define BPF_ARRAY_OF_MAPS(NAME, inner, n) BPF_TABLE("array_of_maps$" inner, int, int, NAME, n)
#define BCC_HASH_OF_MAPS2(NAME, inner) BPF_TABLE("hash_of_maps$" inner, int, int, NAME, 10240)
#define BCC_HASH_OF_MAPS3(NAME, K, inner) BPF_TABLE("hash_of_maps$" inner, K, int, NAME, 10240)
#define BCC_HASH_OF_MAPS4(NAME, K, inner, n) BPF_TABLE("hash_of_maps$" inner, K, int, NAME, n)
#define BPF_HASH_OF_MAPS(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, BCC_HASH_OF_MAPS4, BCC_HASH_OF_MAPS3, BCC_HASH_OF_MAPS2, \
		0)(__VA_ARGS__)

#define BPF_SK_STORAGE(NAME, L) \
	BPF_F_TABLE("sk_storage", int, L, NAME, 0, BCC_MAP_FLAG_NO_PREALLOC)
#define BPF_INODE_STORAGE(NAME, L) \
	BPF_F_TABLE("inode_storage", int, L, NAME, 0, BCC_MAP_FLAG_NO_PREALLOC)
#define BPF_TASK_STORAGE(NAME, L) \
	BPF_F_TABLE("task_storage", int, L, NAME, 0, BCC_MAP_FLAG_NO_PREALLOC)

#define BPF_SOCKMAP(NAME, n) BCC_TABLE("sockmap", u32, int, NAME, n, 0, BCC_SOCKMAP_METHODS(u32))
#define BCC_SOCKHASH1(NAME) BCC_SOCKHASH3(NAME, u32, 10240)
#define BCC_SOCKHASH2(NAME, K) BCC_SOCKHASH3(NAME, K, 10240)
#define BCC_SOCKHASH3(NAME, K, n) \
	BCC_TABLE("sockhash", K, int, NAME, n, 0, BCC_SOCKHASH_METHODS(__typeof__(K)))
#define BPF_SOCKHASH(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, 0, BCC_SOCKHASH3, BCC_SOCKHASH2, BCC_SOCKHASH1)(__VA_ARGS__)

/* The kernel's struct bpf_cgroup_storage_key. */
#define BCC_CGROUP_STORAGE_KEY struct { u64 cgroup_inode_id; u32 attach_type; }
#define BPF_CGROUP_STORAGE(NAME, L) \
	BCC_TABLE("cgroup_storage", BCC_CGROUP_STORAGE_KEY, L, NAME, 0, 0, \
		BCC_LOCAL_STORAGE_METHODS(__typeof__(L)))
#define BPF_PERCPU_CGROUP_STORAGE(NAME, L) \
	BCC_TABLE("percpu_cgroup_storage", BCC_CGROUP_STORAGE_KEY, L, NAME, 0, 0, \
		BCC_LOCAL_STORAGE_METHODS(__typeof__(L)))

#define BPF_QUEUESTACK(kind, NAME, L, max, fl) \
	struct NAME##_table_t { \
		__typeof__(L) leaf; \
		unsigned int max_entries; \
		unsigned int flags; \
		BCC_QUEUE_METHODS(__typeof__(L)) \
	}; \
	__attribute__((section("maps/" kind))) struct NAME##_table_t NAME = { \
		.max_entries = (max), .flags = (fl) }
#define BPF_QUEUESTACK_PINNED(kind, NAME, L, max, fl, path) \
	BPF_QUEUESTACK(kind ":" path, NAME, L, max, fl)
#define BPF_QUEUESTACK_PUBLIC(kind, NAME, L, max, fl) \
	BPF_QUEUESTACK(kind, NAME, L, max, fl); \
	BCC_TABLE_SCOPE(NAME, "export")
#define BPF_QUEUESTACK_SHARED(kind, NAME, L, max, fl) \
	BPF_QUEUESTACK(kind, NAME, L, max, fl); \
	BCC_TABLE_SCOPE(NAME, "shared")

#define BCC_QUEUE3(NAME, L, n) BPF_QUEUESTACK("queue", NAME, L, n, 0)
#define BCC_QUEUE4(NAME, L, n, fl) BPF_QUEUESTACK("queue", NAME, L, n, fl)
#define BPF_QUEUE(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, BCC_QUEUE4, BCC_QUEUE3, 0, 0)(__VA_ARGS__)
#define BCC_STACK3(NAME, L, n) BPF_QUEUESTACK("stack", NAME, L, n, 0)
#define BCC_STACK4(NAME, L, n, fl) BPF_QUEUESTACK("stack", NAME, L, n, fl)
#define BPF_STACK(...) \
	BCC_EIGHTH(__VA_ARGS__, 0, 0, 0, BCC_STACK4, BCC_STACK3, 0, 0)(__VA_ARGS__)
