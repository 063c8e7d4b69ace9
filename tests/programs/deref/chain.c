#include <linux/sched.h>
#include <linux/fs.h>
#include <linux/fdtable.h>
BPF_ARRAY(out, u64, 8);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int fd = ctx->args[0];

	put(0, task->files->fdt->fd[fd]->f_inode->i_ino);
	put(1, task->files->fdt->fd[fd]->f_path.dentry->d_inode->i_sb->s_dev);
	put(2, task->files->fdt->fd[fd]->f_pos);
	put(3, task->files->fdt->fd[fd]->f_path.dentry->d_name.len);
	put(4, task->fs->pwd.dentry->d_inode->i_ino);
	put(5, !(task->files->fdt->fd[fd]->f_inode->i_mode & 0100000));
	return 0;
}
