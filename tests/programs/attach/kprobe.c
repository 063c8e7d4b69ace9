#include <uapi/linux/ptrace.h>
BPF_HASH(calls, u32, u64);

int kprobe__do_nanosleep(struct pt_regs *ctx)
{
	calls.increment(bpf_get_current_pid_tgid() >> 32);
	return 0;
}
