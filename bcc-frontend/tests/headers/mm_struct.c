#include <linux/mm_types.h>
#include <linux/sched.h>
int f(struct pt_regs *ctx, struct task_struct *t) { struct mm_struct *mm = t->mm; return mm->arg_start + mm->total_vm + mm->pgd != 0; }
