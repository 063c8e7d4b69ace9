#include <uapi/linux/ptrace.h>
struct key_t { u32 nf; };
enum stat_types { APCL = 1, MPA, MBD, APD };
BPF_HASH(counts, struct key_t);
int do_count_apcl(struct pt_regs *ctx) { struct key_t k = {.nf = APCL}; counts.atomic_increment(k); return 0; }
