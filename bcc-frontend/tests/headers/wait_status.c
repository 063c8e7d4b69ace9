#include <linux/wait.h>
int f(struct pt_regs *ctx, struct wait_queue_head *h, int status) { return h->head.next != 0 && WEXITSTATUS(status); }
