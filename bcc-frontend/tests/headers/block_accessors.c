#include <linux/blkdev.h>
#include <linux/bio.h>
#include <linux/blk-mq.h>
int f(struct pt_regs *ctx, struct request *rq)
{
	return blk_rq_pos(rq) + blk_rq_sectors(rq) + blk_rq_bytes(rq) + (req_op(rq) == REQ_OP_WRITE);
}
int g(struct pt_regs *ctx, struct bio *bio) { return bio_op(bio) + bio_data_dir(bio) + bio_sectors(bio); }
