#include <linux/mm.h>
struct slab { unsigned long __page_flags; };
struct info_t { char name[32]; };
BPF_HASH(counts, struct info_t);
int f(struct pt_regs *ctx, struct kmem_cache *cachep) { struct info_t i = {}; bpf_probe_read_kernel(&i.name, sizeof(i.name), (void *)cachep->name); return cachep->size; }
