#include <linux/fs.h>
#include <linux/dcache.h>
#include <linux/namei.h>
#define MAX_FILE_LEN 64
struct entry_t { char name[MAX_FILE_LEN]; };
BPF_HASH(entrybypid, u32, struct entry_t);
struct nameidata { struct path path; struct qstr last; };
int trace_fast(struct pt_regs *ctx, struct nameidata *nd, struct path *path)
{
	return nd->last.len + path->dentry->d_flags;
}
