#include <linux/bio.h>
#include <linux/blk_types.h>
int f(struct pt_regs *ctx, struct bio *bio) { return bio_op(bio) == REQ_OP_READ ? bio->bi_iter.bi_sector : bio_sectors(bio) + (bio->bi_opf & REQ_SYNC); }
