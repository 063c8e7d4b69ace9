#include <linux/sched.h>
#include <linux/fs.h>
#include <linux/nsproxy.h>
#include <linux/ns_common.h>
struct mnt_namespace { atomic_t count; struct ns_common ns; };
struct data_t { u64 mnt_ns; char comm[TASK_COMM_LEN]; unsigned long flags; };
BPF_PERF_OUTPUT(events);
int syscall__mount(struct pt_regs *ctx, char __user *source, char __user *target, char __user *type, unsigned long flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct nsproxy *nsproxy = task->nsproxy;
	struct mnt_namespace *mnt_ns = nsproxy->mnt_ns;
	return mnt_ns->ns.inum + (flags & MS_RDONLY) + (flags & MS_BIND);
}
