#include <linux/fdtable.h>
#include <linux/sched.h>
int f(struct pt_regs *ctx, struct task_struct *t) { struct file **fd = t->files->fdt->fd; struct file *x = fd[3]; return x->f_pos + t->files->fdt->max_fds; }
