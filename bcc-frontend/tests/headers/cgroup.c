#include <linux/cgroup-defs.h>
#include <linux/cgroup.h>
#include <linux/kernfs.h>
int f(struct pt_regs *ctx, struct cgroup *cg) { return cg->kn->id + cg->level + task_dfl_cgroup((void *)bpf_get_current_task())->level; }
