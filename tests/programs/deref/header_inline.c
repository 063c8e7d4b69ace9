#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/fdtable.h>
#include <linux/kdev_t.h>
BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int fd = ctx->args[0];
	struct file *file = task->files->fdt->fd[fd];

	put(0, file_inode(file)->i_ino);
	put(1, MAJOR(file_inode(file)->i_sb->s_dev));
	put(2, MINOR(file_inode(file)->i_sb->s_dev));
	return 0;
}
