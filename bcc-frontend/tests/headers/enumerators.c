// Names that enumerators of the kernel have, for things of the program's own.
#include <linux/sched.h>
#include <linux/fs.h>

BPF_HASH(PIDTYPE_PID, u32, u64);

enum pid_type { MINE = 3 };

static void put(u32 key)
{
	PIDTYPE_PID.increment(key);
}

BPF_PROG(none)
{
	u32 key = MINE;
	PIDTYPE_PID.increment(key);
	return 0;
}

#define ONE(name) int name(void *ctx) { return 1; }
ONE(unknown)

int state(struct pt_regs *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u32 PIDTYPE_SID = task->pid;
	return PIDTYPE_SID;
}
