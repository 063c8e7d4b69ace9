#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
struct val_t { u64 pid; int sig; int tpid; char comm[TASK_COMM_LEN]; };
BPF_HASH(infotmp, u32, struct val_t);
int syscall__kill(struct pt_regs *ctx, int tpid, int sig) { return sig == SIGKILL || sig == SIGTERM; }
