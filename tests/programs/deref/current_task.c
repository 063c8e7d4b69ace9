#include <linux/sched.h>
BPF_ARRAY(out, u64, 16);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	put(0, task->pid);
	put(1, task->tgid);
	put(2, task->real_parent->tgid);
	put(3, task->real_parent->real_parent->tgid);
	put(4, task->mm->total_vm);
	put(5, task->mm->start_code);
	put(6, task->mm->arg_start);
	put(7, task->cred->euid.val);
	put(8, task->nsproxy->mnt_ns->ns.inum);
	put(9, task->signal->rlim[7].rlim_cur);
	put(10, ((struct task_struct *)bpf_get_current_task())->group_leader->tgid);
	return 0;
}
