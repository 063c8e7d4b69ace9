#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 2);

int prog(struct pt_regs *ctx, int values[], const char name[8])
{
	int at = 0;
	u64 v = values[0] + values[2];

	out.update(&at, &v);
	at = 1;
	v = name[1];
	out.update(&at, &v);
	return 0;
}
