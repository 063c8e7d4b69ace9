#include <asm/byteorder.h>
int f(struct pt_regs *ctx, __be16 a, __be32 b, __be64 c) { return be16_to_cpu(a) + ntohl(b) + be64_to_cpu(c) + cpu_to_be32(4) + le32_to_cpu(3) + htons(2); }
