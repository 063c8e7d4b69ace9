#ifndef __x86_64__
#error the corpus is for x86-64 Targets
#endif
#ifdef __linux__
int f(struct pt_regs *ctx) { return ctx->di; }
#endif
