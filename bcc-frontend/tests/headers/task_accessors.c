#include <linux/sched.h>
#include <linux/dcache.h>
#include <linux/err.h>
int f(struct pt_regs *ctx, struct task_struct *task, struct dentry *dentry)
{
	struct pid *pid = task_pid(task), *tgid = task_tgid(task);
	u64 seen = 0;
	WRITE_ONCE(seen, READ_ONCE(task->start_time));
	if (IS_ERR(pid) || IS_ERR_OR_NULL(tgid))
		return PTR_ERR(ERR_PTR(-ESRCH));
	return task_pid_nr(task) + (pid == tgid) + seen + d_backing_inode(dentry)->i_ino + d_inode(dentry)->i_ino;
}
