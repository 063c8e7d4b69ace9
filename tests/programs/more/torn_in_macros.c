BPF_HASH(h, u32);

#define ID(x) x
#ifdef NEVER
#define GET(t) t.delete
#else
#define GET(t) t.lookup
#endif
#define GET_OF(t) GET(t)
#define OBJECT h.lookup
#define OBJECT_TOO OBJECT
#define ARROW(t) (&t)->lookup
#define RECV h.
#define DOTTED(t) t.
#define RECV_TOO DOTTED(h)
#define DOT .
#define DOT_TOO DOT
#define PUT(t) t.update

#define IN_BODY(t, k) GET(t)(k)
#define DEEP(t, k) GET_OF(t)(k)
#define OBJECT_BODY(k) OBJECT_TOO(k)
#define ARROW_BODY(t, k) ARROW(t)(k)
#define RECV_BODY(k) RECV lookup(k)
#define RECV_DEEP(k) RECV_TOO lookup(k)
#define DOT_BODY(t, k) t DOT lookup(k)
#define VARIADIC(t, ...) PUT(t)(__VA_ARGS__)

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 one = 1;
	u64 form = ctx->args[0], value = 100 + form, *seen = 0;

	VARIADIC(h, &one, &value);
	switch (form) {
	case 0: seen = IN_BODY(h, &one); break;
	case 1: seen = DEEP(h, &one); break;
	case 2: seen = OBJECT_BODY(&one); break;
	case 3: seen = ARROW_BODY(h, &one); break;
	case 4: seen = RECV_BODY(&one); break;
	case 5: seen = RECV_DEEP(&one); break;
	case 6: seen = DOT_BODY(h, &one); break;
	case 7: seen = GET_OF(h)(&one); break;
	case 8: seen = OBJECT_TOO(&one); break;
	case 9: seen = RECV_TOO lookup(&one); break;
	case 10: seen = h DOT_TOO lookup(&one); break;
	case 11: seen = ID(GET(h)(&one)); break;
	}
	return seen ? *seen : 0;
}
