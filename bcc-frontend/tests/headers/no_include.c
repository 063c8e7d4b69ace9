int f(struct pt_regs *ctx) { u64 t = bpf_ktime_get_ns(); bpf_trace_printk("hello %d\n", t); return PAGE_SIZE + roundup_pow_of_two(3); }
