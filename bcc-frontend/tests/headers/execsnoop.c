#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
#include <linux/fs.h>
#define ARGSIZE 128
enum event_type { EVENT_ARG, EVENT_RET };
struct data_t { u32 pid; u32 ppid; char comm[TASK_COMM_LEN]; enum event_type type; char argv[ARGSIZE]; int retval; };
BPF_PERF_OUTPUT(events);
int syscall__execve(struct pt_regs *ctx, const char __user *filename, const char __user *const __user *argv)
{
	struct data_t data = {};
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	data.ppid = task->real_parent->tgid;
	data.type = EVENT_ARG;
	bpf_probe_read_user(data.argv, sizeof(data.argv), filename);
	events.perf_submit(ctx, &data, sizeof(data));
	return task->nsproxy->pid_ns_for_children->ns.inum != 0;
}
