#include <linux/math64.h>
#include <linux/log2.h>
#include <linux/time64.h>
#include <linux/ktime.h>
BPF_STACK_TRACE(st, roundup_pow_of_two(10240));
int f(struct pt_regs *ctx, u64 a) { return div_u64(a, 7) + div64_u64(a, a) + ilog2(1024) + a / NSEC_PER_USEC + NSEC_PER_SEC + ktime_to_us(a); }
