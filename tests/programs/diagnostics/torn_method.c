BPF_HASH(h, u32);
#define CALL(method, key) method(key)

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 one = 1;
	CALL(h.delete, &one);
	return 0;
}
