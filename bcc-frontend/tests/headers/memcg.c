#include <linux/memcontrol.h>
int f(struct pt_regs *ctx, struct mem_cgroup *m) { return m->memory.usage.counter + m->css.id; }
