// absent: ext4_inode_info
#include <linux/fs.h>
int f(struct pt_regs *ctx, struct inode *inode) { struct ext4_inode_info *e = container_of(inode, struct ext4_inode_info, vfs_inode); return e->i_flags; }
