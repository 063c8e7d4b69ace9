#include <linux/compiler.h>
#include <linux/types.h>
static __always_inline int g(int x) { return likely(x) ? READ_ONCE(x) : 0; }
static noinline int h(int x __maybe_unused) { return unlikely(x); }
int f(struct pt_regs *ctx, void __user *p) { return g(1) + (p == NULL) + __builtin_offsetof(struct list_head, prev) + offsetof(struct path, dentry); }
