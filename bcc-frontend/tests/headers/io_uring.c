// absent: io_kiocb io_ring_ctx
#include <uapi/linux/io_uring.h>
int f(struct pt_regs *ctx, struct io_uring_sqe *sqe) { return sqe->opcode == IORING_OP_READV; }
