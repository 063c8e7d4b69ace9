#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/fdtable.h>
struct name { char text[32]; };
BPF_HASH(names, u32, struct name);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct dentry *dentry = task->files->fdt->fd[ctx->args[0]]->f_path.dentry;
	struct name name = {};
	u32 key = 0;

	bpf_probe_read_kernel_str(name.text, sizeof(name.text), dentry->d_name.name);
	names.update(&key, &name);
	key = 1;
	bpf_probe_read_kernel_str(name.text, sizeof(name.text), dentry->d_parent->d_name.name);
	names.update(&key, &name);
	key = 2;
	bpf_probe_read_kernel_str(name.text, sizeof(name.text), task->fs->pwd.dentry->d_name.name);
	names.update(&key, &name);
	return 0;
}
