#include <linux/fs.h>
#include <linux/sched.h>
BPF_HASH(seen, u32, u64);
BPF_HASH(kept, u32, struct task_struct *);

KFUNC_PROBE(vfs_fsync_range, struct file *file, loff_t start, loff_t end, int datasync)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32, key = 2;
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct task_struct **back;
	u64 v = file->f_inode->i_ino;

	seen.update(&pid, &v);
	kept.update(&pid, &task);
	back = kept.lookup(&pid);
	if (back) {
		v = (*back)->real_parent->tgid;
		seen.update(&key, &v);
	}
	return 0;
}
