#include <linux/limits.h>
#include <linux/kernel.h>
char *g;
int f(struct pt_regs *ctx) { char n[NAME_MAX + 1]; return PATH_MAX + INT_MAX + U32_MAX + sizeof(n) + min(1, 2) + max(1, 2) + ARRAY_SIZE(n); }
