#include <linux/fs.h>
BPF_HASH(seen, u32, u64);

KFUNC_PROBE(vfs_fsync_range, struct file *file, loff_t start, loff_t end, int datasync)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u64 inode = file->f_inode->i_ino + datasync;

	seen.update(&pid, &inode);
	return 0;
}
