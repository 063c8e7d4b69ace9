#include <linux/device.h>
int f(struct pt_regs *ctx, struct device *d) { char n[16] = {}; bpf_probe_read_kernel_str(&n, sizeof(n), d->kobj.name); return d->devt + d->id; }
