#define RECV h.
#define BIND(map) map.lookup
BPF_HASH(h, u32, u64);
int f(struct pt_regs *ctx)
{
	u32 k = 0;
	RECV lookup(&k);
	BIND(h)(&k);
	return 0;
}
