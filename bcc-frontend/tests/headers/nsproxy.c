#include <linux/nsproxy.h>
#include <linux/ns_common.h>
#include <linux/utsname.h>
int f(struct pt_regs *ctx, struct task_struct *t) { return t->nsproxy->net_ns->ns.inum + t->nsproxy->uts_ns->name.nodename[0] + t->nsproxy->pid_ns_for_children->level; }
