#include <linux/fs.h>
int f(struct pt_regs *ctx, struct file *file) { typeof(file->f_path.dentry->d_name) q = file->f_path.dentry->d_name; return q.len + sizeof(*file->f_op); }
