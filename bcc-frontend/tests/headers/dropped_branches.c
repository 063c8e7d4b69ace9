#include <linux/sched.h>
#include <linux/socket.h>
#include <linux/fs.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(2, 6, 0)
struct path { int of_old; };
enum pid_type { PIDTYPE_PID, PIDTYPE_OLD };
typedef int loff_t;
#define AF_INET6 1000
#define PF_KTHREAD 1
static inline struct inode *file_inode(struct file *file) { return 0; }
static inline int in_old(struct path *path) { return path->of_old; }
#endif
int f(struct pt_regs *ctx, struct file *file, loff_t size)
{
	struct path path = {};
	bpf_probe_read_kernel(&path, sizeof(path), &file->f_path);
	_Static_assert(AF_INET6 == 10 && PF_KTHREAD == 0x00200000 && sizeof(loff_t) == 8, "the kernel's own");
	return path.dentry->d_name.len + file_inode(file)->i_ino + (PIDTYPE_TGID > PIDTYPE_PID) + (size > 1);
}
