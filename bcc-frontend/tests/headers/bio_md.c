// absent: bi_bdev bi_disk
#include <linux/bio.h>
#include <linux/genhd.h>
int f(struct pt_regs *ctx, struct bio *bio) { return bio->bi_bdev->bd_dev; }
