#include <linux/perf_event.h>
#include <uapi/linux/perf_event.h>
int f(struct pt_regs *ctx, struct perf_event *e) { return e->attr.config + PERF_COUNT_HW_CPU_CYCLES + (e->attr.type == PERF_TYPE_SOFTWARE); }
