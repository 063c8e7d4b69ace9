#include <linux/bpf.h>
int f(struct pt_regs *ctx, struct bpf_prog *p, struct bpf_map *m) { return p->aux->id + m->id + m->map_type == BPF_MAP_TYPE_HASH; }
