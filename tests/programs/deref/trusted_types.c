#include <linux/fs.h>
#include <linux/dcache.h>
struct all {
	u64 first, chosen, address, copied, beyond, uid;
};
BPF_HASH(seen, u32, struct all);

KFUNC_PROBE(vfs_fsync_range, struct file *file, loff_t start, loff_t end, int datasync)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct dentry *dentry = file->f_path.dentry;
	const unsigned char *name = dentry->d_name.name;
	struct qstr copied = dentry->d_name;
	unsigned long address = (unsigned long)file->f_inode;
	struct all all = {
		.first = *name,
		.chosen = dentry->d_iname[dentry->d_name.len - 1],
		.address = ((struct inode *)address)->i_ino,
		.copied = copied.name[1],
		.beyond = container_of(&file->f_inode, struct file, f_inode)->f_inode->i_ino,
		.uid = file->f_cred->uid.val,
	};

	seen.update(&pid, &all);
	return 0;
}
