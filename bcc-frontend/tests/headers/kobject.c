#include <linux/kobject.h>
#include <linux/module.h>
int f(struct pt_regs *ctx, struct module *m) { char n[16] = {}; bpf_probe_read_kernel(&n, sizeof(n), m->name); return m->state == MODULE_STATE_LIVE; }
