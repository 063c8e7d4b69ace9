#include <linux/dma-fence.h>
int f(struct pt_regs *ctx, struct dma_fence *d) { return d->context + d->seqno; }
