#include <linux/errno.h>
#include <linux/err.h>
int f(struct pt_regs *ctx, void *p) { if (IS_ERR(p)) return PTR_ERR(p) == -ENOENT; return IS_ERR_OR_NULL(p) + EIO + ENOMEM + EAGAIN + ERESTARTSYS; }
