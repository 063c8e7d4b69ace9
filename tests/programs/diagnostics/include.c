#include <linux/no_such_header.h>

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}
