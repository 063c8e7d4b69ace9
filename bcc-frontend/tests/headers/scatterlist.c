#include <linux/scatterlist.h>
int f(struct pt_regs *ctx, struct scatterlist *sg) { return sg_is_chain(sg) ? sg_chain_ptr(sg)->length : sg_is_last(sg); }
