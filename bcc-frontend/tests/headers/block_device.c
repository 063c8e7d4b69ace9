#include <linux/blk_types.h>
int f(struct pt_regs *ctx, struct block_device *b) { return b->bd_dev + MAJOR(b->bd_dev); }
