#include <uapi/linux/ptrace.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
typedef struct disk_key { char disk[DISK_NAME_LEN]; u64 slot; } disk_key_t;
BPF_HASH(start, struct request *);
BPF_HISTOGRAM(dist, disk_key_t);
int trace_req_done(struct pt_regs *ctx, struct request *req)
{
	disk_key_t k = {.slot = bpf_log2l(blk_rq_bytes(req))};
	u64 *tsp = start.lookup(&req);
	if (!tsp || (req->cmd_flags & REQ_OP_MASK) == REQ_OP_DISCARD)
		return 0;
	dist.atomic_increment(k);
	return op_is_write(req_op(req)) + (rq_data_dir(req) == WRITE);
}
