#include <linux/cred.h>
#include <linux/uidgid.h>
int f(struct pt_regs *ctx, struct task_struct *t) { kuid_t u = t->real_cred->uid; return __kuid_val(u) + uid_eq(u, GLOBAL_ROOT_UID) + t->cred->gid.val; }
