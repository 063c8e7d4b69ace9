#include <uapi/linux/ptrace.h>
BPF_HASH(results, u32, s64);

int kretprobe__sys_getppid(struct pt_regs *ctx)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	s64 result = PT_REGS_RC(ctx);

	results.update(&pid, &result);
	return 0;
}
