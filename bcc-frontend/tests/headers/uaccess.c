#include <linux/uaccess.h>
int f(struct pt_regs *ctx, const char __user *p) { char c; bpf_probe_read_user(&c, 1, p); return c; }
