#include <linux/fs.h>
#include <linux/magic.h>
int f(struct pt_regs *ctx, struct super_block *sb) { return sb->s_magic == EXT4_SUPER_MAGIC || sb->s_type->fs_flags || MAJOR(sb->s_dev) || MINOR(sb->s_dev); }
