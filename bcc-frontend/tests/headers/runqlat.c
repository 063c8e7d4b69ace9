#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
struct rq;
typedef struct pidns_key { u64 id; u64 slot; } pidns_key_t;
BPF_HASH(start, u32);
BPF_HISTOGRAM(dist, pidns_key_t);
static unsigned int pid_namespace(struct task_struct *task)
{
	struct pid *pid = (struct pid *)task->thread_pid;
	struct upid upid = {};
	unsigned int level = pid->level;
	bpf_probe_read_kernel(&upid, sizeof(upid), &pid->numbers[level]);
	return upid.ns->ns.inum;
}
int trace_wake_up_new_task(struct pt_regs *ctx, struct task_struct *p)
{
	return pid_namespace(p) + p->tgid + p->pid;
}
