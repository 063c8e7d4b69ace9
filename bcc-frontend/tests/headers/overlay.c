// absent: ovl_inode
#include <linux/fs.h>
int f(struct pt_regs *ctx, struct inode *inode) { struct ovl_inode *o = container_of(inode, struct ovl_inode, vfs_inode); return o->flags + o->version; }
