#include "diagnostics/in_header.h"

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return header_function(1);
}
