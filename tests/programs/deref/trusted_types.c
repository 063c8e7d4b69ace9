#include <linux/fs.h>
#include <linux/dcache.h>
struct all {
	u64 first, chosen, address, copied, beyond, uid;
};
BPF_HASH(seen, u32, struct all);

KFUNC_PROBE(tty_write, struct kiocb *iocb, struct iov_iter *from)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct file *file = iocb->ki_filp;
	struct dentry *dentry = file->f_path.dentry;
	const unsigned char *name = dentry->d_name.name;
	struct qstr copied = dentry->d_name;
	unsigned long address = (unsigned long)file->f_inode;
	struct all all = {
		.first = *name,
		.chosen = dentry->d_iname[dentry->d_name.len - 1],
		.address = ((struct inode *)address)->i_ino,
		.copied = copied.name[copied.len - 1],
		.beyond = container_of(&file->f_inode, struct file, f_inode)->f_inode->i_ino,
		.uid = file->f_cred->uid.val,
	};

	/* Takes nothing but what the verifier knows. */
	if (bpf_sock_from_file(file))
		return 0;
	seen.update(&pid, &all);
	return 0;
}
