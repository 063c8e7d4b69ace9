"""Programs that count and send what this process does."""

import os

COUNT = """
BPF_ARRAY(hits, u64, 1);
static inline int hit(void) {
    int zero = 0;
    u64 *n = hits.lookup(&zero);
    if (n && bpf_get_current_pid_tgid() >> 32 == PID) __sync_fetch_and_add(n, 1);
    return 0;
}
"""
MINE = [f"-DPID={os.getpid()}"]
EVENTS = """
struct event { u32 n; char comm[16]; };
BPF_PERF_OUTPUT(perf);
BPF_RINGBUF_OUTPUT(ring, 8);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    struct event e = { .n = 7 };
    if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
    bpf_get_current_comm(&e.comm, sizeof(e.comm));
    perf.perf_submit(args, &e, sizeof(e));
    ring.ringbuf_output(&e, sizeof(e), 0);
    return 0;
}
"""


def hits(b):
    """How often a program of COUNT has counted."""
    return b[b"hits"][0].value
