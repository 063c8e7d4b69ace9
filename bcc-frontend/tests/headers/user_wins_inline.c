#include <linux/fs.h>
#include <linux/sched.h>
static inline struct inode *file_inode(struct file *f) { return f->f_inode; }
static inline int atomic_read(int *p) { return *p; }
#define min(a, b) ((a) < (b) ? (a) : (b))
int f(struct pt_regs *ctx, struct file *file) { int x = 3; return file_inode(file)->i_ino + atomic_read(&x) + min(1, 2); }
