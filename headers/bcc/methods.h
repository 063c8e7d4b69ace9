/* What `table.method(args)` becomes: `bcc_method(table, args)`.
 *
 * Every macro takes its arguments as `...` and, where it must tell them apart, hands them on to a
 * second one or to an initialiser: then commas inside braces and macros that hold several arguments
 * mean what they mean in a call. Arguments are evaluated once, and inner names are used only after
 * them, so that nested calls see the user's own names.
 */
#pragma once

/* A method whose name is itself a macro of the user's. */
#define bcc_method(name) bcc_method_(name)
#define bcc_method_(name) bcc_##name

#define BCC_LEAF_PTR(t) __typeof__((t).leaf) *

#define bcc_lookup(t, ...) ((BCC_LEAF_PTR(t))bpf_map_lookup_elem(&(t), __VA_ARGS__))
#define bcc_update(t, ...) bpf_map_update_elem(&(t), __VA_ARGS__, 0 /* BPF_ANY */)
#define bcc_insert(t, ...) bpf_map_update_elem(&(t), __VA_ARGS__, 1 /* BPF_NOEXIST */)
#define bcc_delete(t, ...) bpf_map_delete_elem(&(t), __VA_ARGS__)

/* Looks up, and if the key is absent adds it and looks up again. */
#define BCC_LOOKUP_OR_INIT(t, on_null, ...) ({ \
	struct { \
		const void *key, *leaf; \
	} bcc_a = { __VA_ARGS__ }; \
	BCC_LEAF_PTR(t) bcc_l = bpf_map_lookup_elem(&(t), bcc_a.key); \
	if (!bcc_l) { \
		bpf_map_update_elem(&(t), bcc_a.key, bcc_a.leaf, 1 /* BPF_NOEXIST */); \
		bcc_l = bpf_map_lookup_elem(&(t), bcc_a.key); \
		on_null \
	} \
	bcc_l; \
})
#define bcc_lookup_or_try_init(t, ...) BCC_LOOKUP_OR_INIT(t, , __VA_ARGS__)
/* Returns 0 from the function it is used in when there is no room for the key. */
#define bcc_lookup_or_init(t, ...) BCC_LOOKUP_OR_INIT(t, if (!bcc_l) return 0;, __VA_ARGS__)

/* The key is given by value. `.by` is 1 unless there is a second argument: in an initialiser list,
 * what follows `.key` initialises the member after it.
 */
#define BCC_INCREMENT(t, add, ...) ({ \
	_Pragma("clang diagnostic push") \
	_Pragma("clang diagnostic ignored \"-Winitializer-overrides\"") \
	struct { \
		__typeof__((t).key) key; \
		__typeof__((t).leaf) by; \
	} bcc_a = { .by = 1, .key = __VA_ARGS__ }; \
	_Pragma("clang diagnostic pop") \
	__typeof__((t).key) bcc_k = bcc_a.key; \
	__typeof__((t).leaf) bcc_n = bcc_a.by; \
	BCC_LEAF_PTR(t) bcc_l = bpf_map_lookup_elem(&(t), &bcc_k); \
	if (bcc_l) \
		add(bcc_l, bcc_n); \
	else if (sizeof((t).bcc_adds_missing)) \
		bpf_map_update_elem(&(t), &bcc_k, &bcc_n, 1 /* BPF_NOEXIST */); \
})
#define BCC_ADD(ptr, n) (*(ptr) += (n))
#define bcc_increment(t, ...) BCC_INCREMENT(t, BCC_ADD, __VA_ARGS__)
#define bcc_atomic_increment(t, ...) BCC_INCREMENT(t, lock_xadd, __VA_ARGS__)

#ifndef CUR_CPU_IDENTIFIER
#define CUR_CPU_IDENTIFIER 0xffffffffULL /* BPF_F_CURRENT_CPU */
#endif

#define bcc_perf_submit(t, ...) BCC_PERF_SUBMIT(t, __VA_ARGS__)
#define BCC_PERF_SUBMIT(t, ctx, ...) \
	bpf_perf_event_output(ctx, &(t), CUR_CPU_IDENTIFIER, __VA_ARGS__)
#define bcc_perf_submit_skb(t, ...) BCC_PERF_SUBMIT_SKB(t, __VA_ARGS__)
#define BCC_PERF_SUBMIT_SKB(t, skb, len, ...) \
	bpf_perf_event_output(skb, &(t), ((u64)(len) << 32) | 0xffffffffULL, __VA_ARGS__)
#define bcc_perf_read(t, ...) bpf_perf_event_read(&(t), __VA_ARGS__)
#define bcc_perf_counter_value(t, ...) bpf_perf_event_read_value(&(t), __VA_ARGS__)

#define BCC_COUNT_LOSS(t) ({ \
	u32 bcc_slot = sizeof((t).bcc_loss_slot); \
	u64 *bcc_count = bpf_map_lookup_elem(&bcc_ring_losses, &bcc_slot); \
	if (bcc_count) \
		lock_xadd(bcc_count, 1); \
})
#define bcc_ringbuf_output(t, ...) ({ \
	int bcc_r = bpf_ringbuf_output(&(t), __VA_ARGS__); \
	if (bcc_r) \
		BCC_COUNT_LOSS(t); \
	bcc_r; \
})
#define bcc_ringbuf_reserve(t, ...) ({ \
	void *bcc_r = bpf_ringbuf_reserve(&(t), __VA_ARGS__, 0); \
	if (!bcc_r) \
		BCC_COUNT_LOSS(t); \
	bcc_r; \
})
#define bcc_ringbuf_submit(t, ...) bpf_ringbuf_submit(__VA_ARGS__)
#define bcc_ringbuf_discard(t, ...) bpf_ringbuf_discard(__VA_ARGS__)
#define bcc_ringbuf_query(t, ...) bpf_ringbuf_query(&(t), __VA_ARGS__)

#define bcc_get_stackid(t, ...) BCC_GET_STACKID(t, __VA_ARGS__)
#define BCC_GET_STACKID(t, ctx, ...) bpf_get_stackid(ctx, &(t), __VA_ARGS__)
#define bcc_call(t, ...) BCC_CALL(t, __VA_ARGS__)
#define BCC_CALL(t, ctx, ...) ((void)bpf_tail_call(ctx, &(t), __VA_ARGS__))
#define bcc_check_current_task(t, ...) bpf_current_task_under_cgroup(&(t), __VA_ARGS__)
#define bcc_redirect_map(t, ...) bpf_redirect_map(&(t), __VA_ARGS__)

#define bcc_sk_storage_get(t, ...) ((BCC_LEAF_PTR(t))bpf_sk_storage_get(&(t), __VA_ARGS__))
#define bcc_sk_storage_delete(t, ...) bpf_sk_storage_delete(&(t), __VA_ARGS__)
#define bcc_inode_storage_get(t, ...) ((BCC_LEAF_PTR(t))bpf_inode_storage_get(&(t), __VA_ARGS__))
#define bcc_inode_storage_delete(t, ...) bpf_inode_storage_delete(&(t), __VA_ARGS__)
#define bcc_task_storage_get(t, ...) ((BCC_LEAF_PTR(t))bpf_task_storage_get(&(t), __VA_ARGS__))
#define bcc_task_storage_delete(t, ...) bpf_task_storage_delete(&(t), __VA_ARGS__)
#define bcc_get_local_storage(t, ...) ((BCC_LEAF_PTR(t))bpf_get_local_storage(&(t), __VA_ARGS__))

#define bcc_push(t, ...) bpf_map_push_elem(&(t), __VA_ARGS__)
#define bcc_pop(t, ...) bpf_map_pop_elem(&(t), __VA_ARGS__)
#define bcc_peek(t, ...) bpf_map_peek_elem(&(t), __VA_ARGS__)

/* helper(ctx, map, rest) */
#define BCC_AFTER_CTX(helper, t, ...) BCC_AFTER_CTX_(helper, t, __VA_ARGS__)
#define BCC_AFTER_CTX_(helper, t, ctx, ...) helper(ctx, &(t), __VA_ARGS__)
#define bcc_sock_map_update(t, ...) BCC_AFTER_CTX(bpf_sock_map_update, t, __VA_ARGS__)
#define bcc_sock_hash_update(t, ...) BCC_AFTER_CTX(bpf_sock_hash_update, t, __VA_ARGS__)
#define bcc_msg_redirect_map(t, ...) BCC_AFTER_CTX(bpf_msg_redirect_map, t, __VA_ARGS__)
#define bcc_sk_redirect_map(t, ...) BCC_AFTER_CTX(bpf_sk_redirect_map, t, __VA_ARGS__)
#define bcc_msg_redirect_hash(t, ...) BCC_AFTER_CTX(bpf_msg_redirect_hash, t, __VA_ARGS__)
#define bcc_sk_redirect_hash(t, ...) BCC_AFTER_CTX(bpf_sk_redirect_hash, t, __VA_ARGS__)
