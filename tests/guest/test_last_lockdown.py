"""A kernel that is locked down: errors say so. It stays so until the guest ends: the last file."""

import subprocess
import sys
from pathlib import Path

import pytest

LOCKDOWN = Path("/sys/kernel/security/lockdown")
SCRIPT = r"""
from bcc import BPF
try:
    b = BPF(text=TEXT)
    ACT
except Exception as error:
    print(error)
else:
    print("nothing was refused")
"""
# Reading kernel memory, and opening a probe of a kernel function.
CASES = {
    "a program that reads the kernel's memory": (
        b"int f(struct pt_regs *ctx) { u64 n; bpf_probe_read_kernel(&n, 8, (void *)ctx->sp); return n; }",
        "b.load_func(b'f', BPF.KPROBE)",
    ),
    "a kprobe": (
        b"int f(struct pt_regs *ctx) { return 0; }",
        "b.attach_kprobe(event=b.get_syscall_fnname(b'getpgid'), fn_name=b'f')",
    ),
}


@pytest.fixture
def locked_down():
    if "[confidentiality]" not in LOCKDOWN.read_text():
        LOCKDOWN.write_text("confidentiality")


@pytest.mark.parametrize("case", CASES)
def test_lockdown_is_named(case, locked_down):
    text, act = CASES[case]
    script = SCRIPT.replace("TEXT", repr(text)).replace("ACT", act)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "the kernel is locked down (confidentiality)" in done.stdout, done.stdout
