#include <linux/fs.h>
#include <linux/stat.h>
#include <linux/fcntl.h>
int f(struct pt_regs *ctx, struct file *file) { return (file->f_mode & FMODE_WRITE) + (file->f_flags & O_DIRECT) + (file_inode(file)->i_mode & S_IFMT) + S_ISDIR(file_inode(file)->i_mode) + (file->f_flags & O_CLOEXEC) + AT_FDCWD; }
