#include <linux/socket.h>
#include <linux/uio.h>
int f(struct pt_regs *ctx, struct msghdr *msg) { return msg->msg_iter.count + msg->msg_flags & MSG_PEEK; }
