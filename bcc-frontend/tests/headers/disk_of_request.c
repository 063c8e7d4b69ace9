// absent: disk rq_disk
#include <linux/blkdev.h>
int trace(struct pt_regs *ctx, struct request *req)
{
	struct gendisk *disk = req->q->disk;
	char name[DISK_NAME_LEN] = {};
	bpf_probe_read_kernel(&name, sizeof(name), disk->disk_name);
	return disk->major + disk->first_minor;
}
