#include <linux/sched.h>
#include <net/inet_sock.h>
int f(struct pt_regs *ctx, struct task_struct *t) { u32 tgid; bpf_probe_read_kernel(&tgid, sizeof(tgid), &t->tgid); return offsetof(struct task_struct, comm) + offsetof(struct inet_sock, inet_sport) + tgid; }
