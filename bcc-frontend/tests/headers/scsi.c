// absent: scsi_cmnd scsi_device
#include <scsi/scsi_cmnd.h>
int f(struct pt_regs *ctx, struct scsi_cmnd *c) { return c->device->id; }
