#include "more/own_header.h"

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 1;
	u64 *v;

	header_count(key);
	HEADER_COUNT(key);
	v = from_header.lookup(&key);
	return v ? *v : -1;
}
