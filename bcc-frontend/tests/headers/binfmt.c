#include <linux/binfmts.h>
int f(struct pt_regs *ctx, struct linux_binprm *b) { char n[32] = {}; bpf_probe_read_kernel_str(&n, sizeof(n), b->filename); return b->argc + b->envc; }
