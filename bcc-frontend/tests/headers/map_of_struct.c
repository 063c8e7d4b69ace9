#include <linux/fs.h>
BPF_HASH(paths, u32, struct path);
BPF_HASH(names, u32, struct qstr);
BPF_ARRAY(timers, struct bpf_spin_lock, 4);
int f(struct pt_regs *ctx, struct path *p) { u32 k = 0; struct path v = *p; paths.update(&k, &v); return 0; }
