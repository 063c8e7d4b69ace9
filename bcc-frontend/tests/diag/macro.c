#define CALL(method, key) method(key)
#define SECOND(map) CALL(map.lookup, &k)
BPF_HASH(h, u32, u64);
int f(struct pt_regs *ctx)
{
	u32 k = 0;
	CALL(h.lookup, &k);
	SECOND(h);
	return 0;
}
