// absent: xfs_inode
#include <linux/fs.h>
int f(struct pt_regs *ctx, struct xfs_inode *ip) { return ip->i_delayed_blks; }
