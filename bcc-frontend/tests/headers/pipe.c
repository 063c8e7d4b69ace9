#include <linux/pipe_fs_i.h>
int f(struct pt_regs *ctx, struct pipe_inode_info *p) { return p->readers + p->writers + p->head; }
