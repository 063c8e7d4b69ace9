#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdarg.h>
uint8_t g(void);
int f(struct pt_regs *ctx) { bool b = true; uint64_t x = UINT64_MAX; size_t n = offsetof(struct list_head, prev); return b + x + n; }
