struct v { int a, b; };
struct key { u32 pid; char comm[16]; };
BPF_HASH(h, u32, u64);
BPF_HASH(counts_reads, struct key);
BPF_HASH(s, int, struct v);
BPF_HISTOGRAM(hist);
BPF_PERF_OUTPUT(events);
BPF_RINGBUF_OUTPUT(ring, 8);
BPF_STACK_TRACE(stacks, 1000);
BPF_QUEUE(queue, struct v, 10);
BPF_TABLE("lru_hash", u64, struct v, lru, 1 << 4);

#define INCR(map, k) map.increment(k)
#define PASTE(n, k) counts_##n.increment(k)
#define DO(op, k) h.op(k)
#define OP(op, k) h.look##op(k)
#define ZERO(k) \
	h.update(&k, \
		 &zero)
#define TWICE(k) ZERO(k); INCR(h, k)
#define ARGS &k, &zero
#define TABLE h
#define METHOD lookup
#define APPLY(f, a) f(h, a)
#define DEFINE(name) \
	int name(struct pt_regs *ctx) { \
		u32 k = 3; \
		h.increment(k); \
		return 0; \
	}

DEFINE(from_macro)

static int helper(u32 k)
{
	u64 zero = 0, *p;
	p = h.lookup_or_init(&k, &zero);
	(*p)++;
	return 1;
}

int kprobe__vfs_read(struct pt_regs *ctx, void *file)
{
	u32 k = 0; u64 zero = 0; struct key key = {};
	struct v data = {};
	struct v *slot;
	u64 *leaf = h.lookup(&k);
	if (leaf) (*leaf)++; else h . update ( & k, /* note */ &zero);
	h.lookup_or_try_init(
		&k,
		&zero);
	s.update(&(int){3}, &(struct v){1, 2});
	INCR(h, k);
	INCR(hist, bpf_log2l(zero));
	PASTE(reads, key);
	DO(lookup, &k);
	OP(up, &k);
	ZERO(k);
	TWICE(k);
	APPLY(INCR, k);
	h.update(ARGS);
	TABLE.delete(&k);
	h.METHOD(&k);
	(&h)->insert(&k, &zero);
	counts_reads.increment(key, 5);
	h.increment(*h.lookup_or_init(&k, &zero));
	h.update(&k, h.lookup(h.lookup(&k) ? &k : &k));
	events.perf_submit(ctx, &data, sizeof(data)); events.perf_submit(ctx, &(struct v){3, 4}, sizeof(struct v));
	ring.ringbuf_output(&data, sizeof(data), 0);
	slot = ring.ringbuf_reserve(sizeof(*slot));
	if (!slot) return 0;
	ring.ringbuf_submit(slot, 0);
	queue.push(&data, 0);
	zero = (u64)lru.lookup(&zero);
	return stacks.get_stackid(ctx, 0) + helper(k);
}
