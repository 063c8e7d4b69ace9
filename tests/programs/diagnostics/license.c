#define BPF_LICENSE Dual BSD/GPL

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
