#include <linux/dcache.h>
#include <linux/fs.h>
int f(struct pt_regs *ctx, struct dentry *d)
{
	char name[DNAME_INLINE_LEN];
#pragma unroll
	for (int i = 0; i < 4; i++) { bpf_probe_read_kernel_str(&name, sizeof(name), (void *)d->d_name.name); d = d->d_parent; }
	return d_inode(d)->i_ino;
}
