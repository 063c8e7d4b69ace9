#include <linux/sched.h>
struct event { u32 pid; char filename[16]; };
BPF_RINGBUF_OUTPUT(buffer, 1 << 4);
int f(struct pt_regs *ctx) { struct event *e = buffer.ringbuf_reserve(sizeof(*e)); if (!e) return 1; e->pid = 1; buffer.ringbuf_submit(e, 0); return 0; }
