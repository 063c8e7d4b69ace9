#include <linux/dcache.h>
int f(struct pt_regs *ctx, struct dentry *d) { char n[DNAME_INLINE_LEN] = {}; bpf_probe_read_kernel(&n, sizeof(n), d->d_iname); return n[0]; }
