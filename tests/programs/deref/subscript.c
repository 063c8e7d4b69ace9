#include <linux/sched.h>
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
	struct file **files = task->files->fdt->fd;
	const unsigned char *name = files[fd]->f_path.dentry->d_name.name;
	u64 *rlimits = (u64 *)task->signal->rlim;

	put(0, files[fd]->f_inode->i_ino);
	put(1, name[0]);
	put(2, ( name ) [ 1 ]);
	put(3, rlimits[14]);
	put(4, 1[name]);
	put(5, *(name + 2));
	put(6, task->signal->rlim[7].rlim_max);
	put(7, (&files[fd])[0]->f_inode->i_ino);
	return 0;
}
