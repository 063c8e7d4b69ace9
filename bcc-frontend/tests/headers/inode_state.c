#include <linux/fs.h>
int f(struct pt_regs *ctx, struct inode *inode, struct kiocb *iocb)
{
	if (iocb->ki_flags & IOCB_APPEND)
		return 1;
	return I_DIRTY == (I_DIRTY_SYNC | I_DIRTY_DATASYNC | I_DIRTY_PAGES) && I_FREEING == I_WILL_FREE << 1
	       && inode->i_ino > 1;
}
