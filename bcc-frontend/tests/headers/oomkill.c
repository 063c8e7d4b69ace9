#include <linux/oom.h>
#include <linux/sched.h>
struct data_t { u32 fpid; u32 tpid; u64 pages; char fcomm[TASK_COMM_LEN]; };
BPF_PERF_OUTPUT(events);
void kprobe__oom_kill_process(struct pt_regs *ctx, struct oom_control *oc, const char *message)
{
	struct task_struct *p = oc->chosen;
	struct data_t data = {.tpid = p->pid, .pages = oc->totalpages};
	bpf_probe_read_kernel(&data.fcomm, sizeof(data.fcomm), p->comm);
	events.perf_submit(ctx, &data, sizeof(data));
}
