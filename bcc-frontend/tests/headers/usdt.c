#include <uapi/linux/ptrace.h>
BPF_HASH(start, u32, u64);
int do_trace(struct pt_regs *ctx) { uint64_t addr; char path[128]; addr = ctx->si; bpf_probe_read_user(&path, sizeof(path), (void *)addr); return 0; }
