"""Kernel symbols: hidden ones, and those that come and go."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from bcc import BPF

ASK = """
from bcc import BPF
try:
    BPF.ksym(int({address}))
except Exception as error:
    print(type(error).__name__, error)
try:
    print(BPF.ksymname(b"vfs_read"))
except Exception as error:
    print(type(error).__name__, error)
try:
    print(BPF._sym_cache(-1).resolve(int({address}), False))
except Exception as error:
    print(type(error).__name__, error)
try:
    print(BPF._sym_cache(-1).resolve_name(None, b"vfs_read"))
except Exception as error:
    print(type(error).__name__, error)
"""


def truth():
    """Names of code and their addresses, as the kernel lists them."""
    with open("/proc/kallsyms") as lines:
        words = [line.split() for line in lines]
    return {word[2]: int(word[0], 16) for word in words if word[1] in "tT" and len(word) == 3}


def test_names_and_addresses_agree_with_the_list():
    known = truth()
    for name in ("vfs_read", "do_sys_openat2", "schedule"):
        address = BPF.ksymname(name.encode())
        assert address == known[name]
        shown = BPF.ksym(address + 1, show_module=True, show_offset=True)
        assert shown == name.encode() + b"+0x1 [kernel]"
    assert BPF.ksymname(b"no_such_function_here") == -1


def ask(*prefix):
    """What a Python of its own says of kernel symbols."""
    argv = [*prefix, sys.executable, "-c", ASK.format(address=truth()["vfs_read"])]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


@contextmanager
def kernel_setting(name, value):
    """`/proc/sys/kernel/NAME` is `value` for a while."""
    path = Path("/proc/sys/kernel") / name
    before = path.read_text()
    path.write_text(value)
    try:
        yield
    finally:
        path.write_text(before)


def test_without_the_capability_the_error_says_why():
    # Who may sample the kernel may read its symbols: guests let everybody.
    with kernel_setting("perf_event_paranoid", "2"):
        lines = ask("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    assert len(lines) == 4
    for line in lines:
        assert line.startswith("SymbolError") and "kptr_restrict" in line and "root" in line


def test_where_the_kernel_hides_them_from_root_the_error_says_why(in_guest):
    argv = [sys.executable, "-c", ASK.format(address=truth()["vfs_read"])]
    with kernel_setting("kptr_restrict", "2"):
        lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == 4 and all("kptr_restrict" in line for line in lines)


READ = """
import sys
from contextlib import contextmanager
from pathlib import Path
from bcc import BPF
def calls():
    with open("/proc/self/io") as io:
        return next(int(line.split()[1]) for line in io if line.startswith("syscr"))
before = calls()
print(BPF.ksym(int(sys.argv[1]), show_module=True).decode())
print(calls() - before)
"""


def of_its_own(address, cache):
    """A process's first answer, and how often it read something for it."""
    env = dict(os.environ, BCC_CACHE_DIR=str(cache))
    argv = [sys.executable, "-c", READ, str(address)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    shown, calls = done.stdout.splitlines()
    return shown, int(calls)


def test_a_list_once_read_serves_the_processes_of_this_boot(tmp_path):
    cache = tmp_path / "cache"
    address = truth()["vfs_read"]
    shown, calls = of_its_own(address, cache)
    assert shown == "vfs_read [kernel]" and calls > 300
    (kept,) = cache.glob("*.kallsyms")
    assert kept.stat().st_mode & 0o777 == 0o600
    shown, calls = of_its_own(address, cache)
    assert shown == "vfs_read [kernel]" and calls < 20
    # A damaged one is read again.
    damaged = bytearray(kept.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    kept.write_bytes(damaged)
    shown, calls = of_its_own(address, cache)
    assert shown == "vfs_read [kernel]" and calls > 300
    assert kept.read_bytes() != damaged


def test_a_program_that_is_younger_than_the_kept_list_is_named(tmp_path):
    cache = tmp_path / "cache"
    of_its_own(truth()["vfs_read"], cache)
    with BPF(text="int younger_than_list(void *ctx) { return 7; }") as b:
        b.load_func("younger_than_list", BPF.SOCKET_FILTER)
        with open("/proc/kallsyms") as lines:
            words = [line.split() for line in lines if "_younger_than_" in line]
        if not words:
            pytest.skip("this kernel does not list BPF programs (net.core.bpf_jit_kallsyms)")
        address, _, name, module = words[0]
        shown, _ = of_its_own(int(address, 16), cache)
        assert shown == "%s %s" % (name, module)


def test_a_bpf_program_that_was_loaded_later_is_named():
    BPF.ksymname(b"vfs_read")
    with BPF(text="int kept_for_its_name(void *ctx) { return 7; }") as b:
        b.load_func("kept_for_its_name", BPF.SOCKET_FILTER)
        with open("/proc/kallsyms") as lines:
            words = [line.split() for line in lines if "_kept_for_its_n" in line]
        if not words:
            pytest.skip("this kernel does not list BPF programs (net.core.bpf_jit_kallsyms)")
        address, _, name, module = words[0]
        while BPF.ksymname(name.encode()) == -1:
            pass
        assert BPF.ksymname(name.encode()) == int(address, 16)
        shown = BPF.ksym(int(address, 16), show_module=True)
        assert shown == ("%s %s" % (name, module)).encode()


def test_a_module_that_was_loaded_later_is_named(in_guest, tmp_path):
    cache = tmp_path / "cache"
    of_its_own(truth()["vfs_read"], cache)
    assert BPF.ksymname(b"dummy_setup") == -1
    before = BPF.ksymname(b"vfs_read")
    subprocess.run(["modprobe", "dummy"], check=True)
    try:
        with open("/proc/kallsyms") as lines:
            words = [line.split() for line in lines if line.rstrip().endswith("[dummy]")]
        code = {name: int(address, 16) for address, kind, name, _ in words if kind in "tT"}
        assert code
        name, address = next(iter(code.items()))
        while BPF.ksymname(name.encode()) != address:
            pass
        shown = BPF.ksym(address, show_module=True).decode()
        assert shown.endswith(" [dummy]")
        assert shown.split()[0] in [n for n, a in code.items() if a == address]
        assert BPF.ksymname(b"vfs_read") == before
        shown, calls = of_its_own(address, cache)
        assert shown.endswith(" [dummy]") and calls > 300
        # The list is kept with the module.
        shown, calls = of_its_own(address, cache)
        assert shown.endswith(" [dummy]") and calls < 20
    finally:
        subprocess.run(["modprobe", "-r", "dummy"], check=True)
    while BPF.ksymname(name.encode()) == address:
        pass
