// absent: rdma_cm_id rdma_id_private
#include <linux/types.h>
#include <rdma/rdma_cm.h>
int f(struct pt_regs *ctx, struct rdma_cm_id *id) { return id->port_num + id->ps; }
