#!/usr/bin/python3
"""Say hello whenever a process is made: the smallest program there is."""

from bcc import BPF

TEXT = """
TRACEPOINT_PROBE(sched, sched_process_fork)
{
    bpf_trace_printk("Hello, World!");
    return 0;
}
"""

BPF(text=TEXT).trace_print()
