#include <linux/ioctl.h>
#include <linux/fs.h>
int f(struct pt_regs *ctx, unsigned int cmd) { return cmd == FICLONE || _IOC_NR(cmd) || cmd == _IOR('f', 1, long); }
