// absent: ib_device ib_qp
#include <rdma/ib_verbs.h>
int f(struct pt_regs *ctx, struct ib_qp *qp) { return qp->qp_num + qp->device->phys_port_cnt; }
