#!/usr/bin/python3
"""Block I/O sizes as histograms, until Ctrl-C: one of powers of two, one linear."""

from time import sleep

from bcc import BPF

b = BPF(
    text=b"""
#include <linux/blkdev.h>

BPF_HISTOGRAM(dist);
BPF_HISTOGRAM(dist_linear);

TRACEPOINT_PROBE(block, block_rq_complete)
{
    u64 kbytes = args->nr_sector / 2;
    dist.increment(bpf_log2l(kbytes));
    dist_linear.increment(kbytes);
    return 0;
}
"""
)

print("Tracing block I/O... Hit Ctrl-C to end.", flush=True)
try:
    sleep(99999999)
except KeyboardInterrupt:
    print()

print("log2 histogram")
print("~~~~~~~~~~~~~~")
b[b"dist"].print_log2_hist("kbytes")
print("\nlinear histogram")
print("~~~~~~~~~~~~~~~~")
b[b"dist_linear"].print_linear_hist("kbytes")
