#include <linux/sched.h>
BPF_ARRAY(out, u64, 2);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *t = (struct task_struct *)bpf_get_current_task();
	struct task_struct *p = t->real_parent;
	int at = 0;
	u64 v = 0;

	v += t->tgid; v += p->tgid; v += t->pid; v += p->pid;
	v += t->static_prio; v += p->static_prio; v += t->normal_prio; v += p->normal_prio;
	v += t->flags; v += p->flags; v += t->policy; v += p->policy;
	v += t->exit_code; v += p->exit_code; v += t->exit_signal; v += p->exit_signal;
	v += t->mm->total_vm; v += p->mm->total_vm; v += t->mm->start_code; v += p->mm->start_code;
	v += t->mm->arg_start; v += p->mm->arg_start; v += t->cred->uid.val; v += p->cred->uid.val;
	v += t->cred->euid.val; v += p->cred->euid.val; v += t->group_leader->tgid;
	v += p->group_leader->tgid; v += t->signal->rlim[3].rlim_cur >> 1;
	v += p->signal->rlim[3].rlim_cur >> 1; v += t->start_time; v += p->start_time;
	v += t->nsproxy->mnt_ns->ns.inum; v += p->nsproxy->mnt_ns->ns.inum;
	v += t->fs->umask; v += p->fs->umask; v += t->files->fdt->max_fds;
	v += p->files->fdt->max_fds; v += t->mm->start_stack; v += p->mm->start_stack;
	out.update(&at, &v);

	at = 1;
	v = t->tgid;
	v += p->tgid;
	out.update(&at, &v);
	return 0;
}
