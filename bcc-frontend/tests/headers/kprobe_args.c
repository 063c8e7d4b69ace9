#include <linux/blkdev.h>
#include <linux/time64.h>
BPF_HISTOGRAM(dist);
int kprobe__vfs_read(struct pt_regs *ctx, struct file *file, char *buf, size_t count) { dist.increment(bpf_log2l(count / 1024)); return 0; }
