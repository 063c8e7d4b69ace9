#include <linux/fs.h>
#include <linux/mount.h>
struct mount { struct hlist_node mnt_hash; struct mount *mnt_parent; struct dentry *mnt_mountpoint; struct vfsmount mnt; };
int f(struct pt_regs *ctx, struct path *path) { struct mount *m = container_of(path->mnt, struct mount, mnt); return m->mnt_parent == m; }
