#include <uapi/linux/ptrace.h>
#include <linux/blkdev.h>
struct info_t { unsigned long inode; dev_t dev; dev_t rdev; u32 pid; u32 name_len; char comm[TASK_COMM_LEN]; char name[DNAME_INLINE_LEN]; char type; };
BPF_HASH(counts, struct info_t);
int trace_rw_entry(struct pt_regs *ctx, struct file *file, char __user *buf, size_t count)
{
	struct dentry *de = file->f_path.dentry;
	int mode = file->f_inode->i_mode;
	struct qstr d_name = de->d_name;
	struct info_t info = {.inode = file->f_inode->i_ino, .dev = file->f_inode->i_sb->s_dev, .rdev = file->f_inode->i_rdev};
	if (d_name.len == 0 || !S_ISREG(mode))
		return 0;
	info.type = S_ISSOCK(mode) ? 'S' : 'O';
	bpf_probe_read_kernel(&info.name, sizeof(info.name), d_name.name);
	counts.increment(info);
	return 0;
}
