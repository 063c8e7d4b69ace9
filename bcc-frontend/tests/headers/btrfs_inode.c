// absent: btrfs_inode
#include <linux/fs.h>
int f(struct pt_regs *ctx, struct btrfs_inode *b) { return b->vfs_inode.i_ino; }
