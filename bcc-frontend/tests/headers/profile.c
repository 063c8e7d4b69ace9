#include <uapi/linux/ptrace.h>
#include <uapi/linux/bpf_perf_event.h>
#include <linux/sched.h>
struct key_t { u32 pid; u64 kernel_ip; int user_stack_id; int kernel_stack_id; char name[TASK_COMM_LEN]; };
BPF_HASH(counts, struct key_t);
BPF_STACK_TRACE(stack_traces, 16384);
int do_perf_event(struct bpf_perf_event_data *ctx)
{
	struct key_t key = {.pid = bpf_get_current_pid_tgid() >> 32};
	key.kernel_stack_id = stack_traces.get_stackid(&ctx->regs, 0);
	u64 ip = PT_REGS_IP(&ctx->regs);
	u64 page_offset = PAGE_OFFSET;
	if (ip > page_offset) key.kernel_ip = ip;
	counts.increment(key);
	return ip > __START_KERNEL_map;
}
