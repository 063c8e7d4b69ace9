BPF_HASH(h, u32);
BPF_HASH(other, u32);

#define RECV h.
#define AT(table) table.
#define DOT .
#define ARROW ->
#define GET h.lookup
#define BUMP(table) table.increment

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 one = 1, two = 2;
	u64 value = 10, *seen;

	RECV update(&one, &value);
	AT(other) increment(two, 5);
	(&other) ARROW increment(two);
	other DOT increment(two, 1);
	BUMP(h)(one, 3);
	seen = GET(&one);
	return seen ? *seen : 0;
}
