#include <linux/fs.h>
BPF_HASH(seen, u32, u64);

KRETFUNC_PROBE(vfs_fsync_range, struct file *file, loff_t start, loff_t end, int datasync, int ret)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	u64 value = file->f_inode->i_ino + 1000000 * datasync + (u32)ret;

	seen.update(&pid, &value);
	return 0;
}
