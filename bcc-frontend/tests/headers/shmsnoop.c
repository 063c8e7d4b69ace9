#include <linux/sched.h>
#include <uapi/linux/shm.h>
#include <uapi/linux/ipc.h>
int syscall__shmget(struct pt_regs *ctx, u64 key, u64 size, u64 shmflg) { return (shmflg & IPC_CREAT) + (key == IPC_PRIVATE) + (shmflg & SHM_HUGETLB); }
