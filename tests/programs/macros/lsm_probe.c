#include <linux/sched.h>

LSM_PROBE(task_setnice, struct task_struct *task, int nice)
{
	return task->tgid == PID && nice == 7 ? -13 : 0;
}
