#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
typedef struct irq_key { u32 vec; u64 slot; } irq_key_t;
BPF_HISTOGRAM(dist, irq_key_t);
int f(struct pt_regs *ctx, struct irq_desc *desc) { struct irqaction *a = desc->action; char n[16] = {}; bpf_probe_read_kernel(&n, sizeof(n), (char *)a->name); return desc->irq_data.irq + NR_SOFTIRQS + NET_RX_SOFTIRQ; }
