#include <linux/sched.h>
#include <linux/fs.h>
#include <linux/fdtable.h>
BPF_ARRAY(out, u64, 4);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int fd = ctx->args[0];
	struct path path = task->files->fdt->fd[fd]->f_path;
	struct qstr name = path.dentry->d_name;
	struct qstr again;

	again = *(&path.dentry->d_name);
	put(0, name.len);
	put(1, again.name[0]);
	put(2, path.dentry->d_inode->i_ino);
	return 0;
}
