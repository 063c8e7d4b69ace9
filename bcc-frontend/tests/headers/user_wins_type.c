#include <linux/sched.h>
struct rq { int cpu_is_mine; };
enum { UNKNOWN = 77, TASK_IS_MINE };
typedef u32 pid_kind_t;
#define NULL ((void *)0)
int f(struct pt_regs *ctx, struct rq *rq) { return rq->cpu_is_mine + UNKNOWN + (rq == NULL); }
