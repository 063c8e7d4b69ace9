struct list { struct list *next, *prev; };
union ptr { u64 value; struct {} nothing; struct list *list; };
BPF_HASH(h, union ptr, union ptr);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	union ptr p = { .value = 77 };

	return h.update(&p, &p);
}
