#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 1);

int prog(struct pt_regs *ctx, struct not_in_any_kernel *a, u64 b)
{
	int at = 0;

	out.update(&at, &b);
	return 0;
}
