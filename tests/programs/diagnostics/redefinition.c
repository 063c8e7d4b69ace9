static int f(int x) { return x; }
static int f(int x) { return x + 1; }
struct twice { int x; };
struct twice { int y; };
BPF_HASH(h);
BPF_HASH(h);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return f(1);
}
