/* What the two readings of a text differ in. The rest of our headers is the same in both, and may have
 * been precompiled.
 *
 * With __BCC_PARSE__ the text is only type-checked: methods are members of the table structs, and
 * bpf_trace_printk and its kin are functions. Without it, the rewritten text is compiled:
 * `table.method(args)` has become `bcc_method(table, args)`, see methods.h.
 */
#pragma once

#ifdef __BCC_PARSE__

/* Methods come last in a table's struct, so that no other member moves. K and L are the names of the
 * key's and the leaf's type.
 */
#define BCC_TABLE_METHODS(K, L) \
	L *(*lookup)(const K *); \
	L *(*lookup_or_init)(const K *, const L *); \
	L *(*lookup_or_try_init)(const K *, const L *); \
	int (*update)(const K *, const L *); \
	int (*insert)(const K *, const L *); \
	int (*delete)(const K *); \
	void (*increment)(K, ...); \
	void (*atomic_increment)(K, ...); \
	void (*call)(void *, int); \
	int (*get_stackid)(void *, u64); \
	L *(*sk_storage_get)(void *, const void *, int); \
	int (*sk_storage_delete)(void *); \
	L *(*inode_storage_get)(void *, const void *, int); \
	int (*inode_storage_delete)(void *); \
	L *(*task_storage_get)(void *, const void *, int); \
	int (*task_storage_delete)(void *);
#define BCC_PERF_METHODS \
	int (*perf_submit)(void *, void *, u32); \
	int (*perf_submit_skb)(void *, u32, void *, u32);
#define BCC_RINGBUF_METHODS \
	int (*ringbuf_output)(void *, u64, u64); \
	void *(*ringbuf_reserve)(u64); \
	void (*ringbuf_submit)(void *, u64); \
	void (*ringbuf_discard)(void *, u64); \
	u64 (*ringbuf_query)(u64);
#define BCC_PERF_ARRAY_METHODS \
	u64 (*perf_read)(int); \
	int (*perf_counter_value)(int, void *, u32);
#define BCC_CGROUP_ARRAY_METHODS int (*check_current_task)(int);
#define BCC_REDIRECT_METHODS int (*redirect_map)(int, int);
#define BCC_XSK_METHODS(K, L) BCC_REDIRECT_METHODS L *(*lookup)(const K *);
#define BCC_LOCAL_STORAGE_METHODS(L) L *(*get_local_storage)(u64);
#define BCC_QUEUE_METHODS(L) \
	int (*push)(const L *, u64); \
	int (*pop)(L *); \
	int (*peek)(L *);
#define BCC_SOCKMAP_METHODS(K) \
	int (*update)(const K *, const int *); \
	int (*delete)(const K *); \
	int (*sock_map_update)(void *, const void *, u64); \
	int (*sk_redirect_map)(void *, u32, u64); \
	int (*msg_redirect_map)(void *, u32, u64);
#define BCC_SOCKHASH_METHODS(K) \
	int (*update)(const K *, const int *); \
	int (*delete)(const K *); \
	int (*sock_hash_update)(void *, const void *, u64); \
	int (*msg_redirect_hash)(void *, const void *, u64); \
	int (*sk_redirect_hash)(void *, const void *, u64);

int bpf_trace_printk(const char *fmt, ...);
int bpf_num_cpus(void);
int bpf_usdt_readarg(int number, void *ctx, void *value);
int bpf_usdt_readarg_p(int number, void *ctx, void *buf, u64 len);
/* A place in a packet: a number, or the address of a header's member. */
typedef union {
	u64 bcc_number;
	const void *bcc_member;
} bcc_packet_place __attribute__((transparent_union));
int incr_cksum_l3(bcc_packet_place off, u64 old_value, u64 new_value);
int incr_cksum_l4(bcc_packet_place off, u64 old_value, u64 new_value, int is_pseudo);

#else

#define BCC_TABLE_METHODS(K, L)
#define BCC_PERF_METHODS
#define BCC_RINGBUF_METHODS
#define BCC_PERF_ARRAY_METHODS
#define BCC_CGROUP_ARRAY_METHODS
#define BCC_REDIRECT_METHODS
#define BCC_XSK_METHODS(K, L)
#define BCC_LOCAL_STORAGE_METHODS(L)
#define BCC_QUEUE_METHODS(L)
#define BCC_SOCKMAP_METHODS(K)
#define BCC_SOCKHASH_METHODS(K)

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
