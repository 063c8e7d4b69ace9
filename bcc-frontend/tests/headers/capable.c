#include <linux/sched.h>
#include <linux/security.h>
#include <linux/cred.h>
#include <linux/capability.h>
struct repeat_t { int cap; u32 tgid; };
BPF_HASH(seen, struct repeat_t, u64);
int kprobe__cap_capable(struct pt_regs *ctx, const struct cred *cred, struct user_namespace *targ_ns, int cap, int opts)
{
	return cred->uid.val + cap == CAP_SYS_ADMIN + targ_ns->level + LINUX_VERSION_CODE > KERNEL_VERSION(5, 1, 0);
}
