"""A module compiled before runs where nothing can compile."""

import os
import subprocess
import sys

# Loads, attaches and reads one event of its own process.
PROGRAM = r"""
import os, sys
from bcc import BPF
b = BPF(text=b'''
BPF_HASH(seen, u32, u64);
TRACEPOINT_PROBE(syscalls, sys_enter_getppid)
{
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    seen.increment(pid, WEIGHT);
    return 0;
}
''', cflags=['-DWEIGHT=' + sys.argv[1]])
for _ in range(7):
    os.getppid()
print(b[b'seen'][b[b'seen'].Key(os.getpid())].value)
"""


def run(weight, *, compiler=True):
    command = [sys.executable, "-c", PROGRAM, str(weight)]
    env = dict(os.environ)
    if not compiler:
        # In a mount namespace of its own, an empty device takes the compiler's place.
        env.pop("BCC_COMPILE_SPOOL", None)
        hide = 'mount --bind /dev/null "$(readlink -f "$BCC_COMPILER")" && exec "$@"'
        command = ["unshare", "-m", "sh", "-c", hide, "sh", *command]
    return subprocess.run(command, env=env, capture_output=True, text=True)


def test_a_cached_module_needs_no_compiler():
    first = run(3)
    assert (first.returncode, first.stdout) == (0, "21\n"), first.stderr
    again = run(3, compiler=False)
    assert (again.returncode, again.stdout) == (0, "21\n"), again.stderr


def test_a_new_module_without_a_compiler_is_an_exception_that_says_so():
    done = run(5, compiler=False)
    assert done.returncode == 1
    assert "compiler" in done.stderr.splitlines()[-1], done.stderr
