"""Without privilege: the error names the capability that is missing, and nothing else happens."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root to give it up")

# Loads with all capabilities what `act` then attaches without `dropped`.
SCRIPT = r"""
import ctypes, sys
from bcc import BPF
CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF = 12, 13, 21, 38, 39
libc = ctypes.CDLL(None, use_errno=True)
def drop(*capabilities):
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    for capability in capabilities:
        for kind in range(3):
            sets[capability // 32 * 3 + kind] &= ~(1 << capability % 32)
    assert libc.capset(header, sets) == 0
KPROBE = b"int f(struct pt_regs *ctx) { return 0; }"
XDP = b"int f(struct xdp_md *ctx) { return XDP_PASS; }"
TRACEPOINT = b"TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return 0; }"
try:
    ACT
except Exception as error:
    print(error)
else:
    print("nothing was refused")
"""

CASES = {
    "a map": ("drop(CAP_BPF, CAP_SYS_ADMIN); BPF(text=b'BPF_HASH(t);')", "missing CAP_BPF"),
    "a tracing program": (
        "drop(CAP_PERFMON, CAP_SYS_ADMIN); BPF(text=KPROBE).load_func(b'f', BPF.KPROBE)",
        "missing CAP_PERFMON",
    ),
    "a tracing program of nobody": (
        "b = BPF(text=KPROBE); drop(CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN); b.load_func(b'f', BPF.KPROBE)",
        "missing CAP_BPF and CAP_PERFMON",
    ),
    "a network program": (
        "drop(CAP_NET_ADMIN, CAP_SYS_ADMIN); BPF(text=XDP).load_func(b'f', BPF.XDP)",
        "missing CAP_NET_ADMIN",
    ),
    "a uprobe": (
        "b = BPF(text=KPROBE); b.load_func(b'f', BPF.KPROBE); drop(CAP_PERFMON, CAP_SYS_ADMIN);"
        " b.attach_uprobe(name=b'c', sym=b'getpgid', fn_name=b'f')",
        "missing CAP_PERFMON",
    ),
    "a tracepoint": (
        "drop(CAP_PERFMON, CAP_SYS_ADMIN); BPF(text=TRACEPOINT)",
        "missing CAP_PERFMON",
    ),
    "XDP on a device": (
        "b = BPF(text=XDP); f = b.load_func(b'f', BPF.XDP); drop(CAP_NET_ADMIN);"
        " b.attach_xdp(b'lo', f, BPF.XDP_FLAGS_SKB_MODE)",
        "missing CAP_NET_ADMIN",
    ),
    "a raw socket": (
        "b = BPF(text=b'int f(struct __sk_buff *skb) { return 0; }');"
        " f = b.load_func(b'f', BPF.SOCKET_FILTER); drop(CAP_NET_RAW, CAP_SYS_ADMIN);"
        " b.attach_raw_socket(f, b'lo')",
        "missing CAP_NET_RAW",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_missing_capability_is_named(case):
    act, told = CASES[case]
    script = SCRIPT.replace("ACT", act)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert told in done.stdout, done.stdout
    assert "super-user" not in done.stdout
