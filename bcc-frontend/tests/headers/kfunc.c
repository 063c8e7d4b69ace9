#include <linux/fs.h>
KFUNC_PROBE(vfs_read, struct file *file, char *buf, size_t count, loff_t *pos) { return file->f_mode + count; }
KRETFUNC_PROBE(vfs_write, struct file *file, const char *buf, size_t count, loff_t *pos, ssize_t ret) { return ret; }
