"""What the running kernel and its files offer."""

import os
import time

from . import _native
from .utils import _assert_is_bytes

DEBUGFS = "/sys/kernel/debug"
TRACEFS = os.path.join(DEBUGFS, "tracing")
if not os.path.exists(TRACEFS):
    TRACEFS = "/sys/kernel/tracing"

_SYSCALL_PREFIXES = [
    b"sys_",
    b"__x64_sys_",
    b"__x32_compat_sys_",
    b"__ia32_compat_sys_",
    b"__arm64_sys_",
    b"__s390x_sys_",
    b"__s390_sys_",
    b"__riscv_sys_",
]

_AUTO_INCLUDES = {
    "linux/time.h": ["time"],
    "linux/fs.h": ["fs", "file"],
    "linux/blkdev.h": ["bio", "request"],
    "linux/slab.h": ["alloc"],
    "linux/netdevice.h": ["sk_buff", "net_device"],
}


def _matching(module, sym_re):
    """(name, address) of a binary's functions whose name a pattern matches."""
    import re

    match = re.compile(_assert_is_bytes(sym_re)).match
    return [(fn, addr) for fn, addr in module.functions() if match(fn)]


class KernelMixin:
    """Questions about the kernel, executables and libraries."""

    _syscall_prefixes = _SYSCALL_PREFIXES

    def get_syscall_prefix(self):
        """What the running kernel puts before a system call's name, as bytes."""
        return _native.syscall_prefix()

    def get_syscall_fnname(self, name):
        """The kernel function of system call `name`, as bytes."""
        return self.get_syscall_prefix() + _assert_is_bytes(name)

    def fix_syscall_fnname(self, name):
        """`name` with a system call prefix of any kernel replaced by the running kernel's."""
        name = _assert_is_bytes(name)
        for prefix in _SYSCALL_PREFIXES:
            if name.startswith(prefix):
                return self.get_syscall_fnname(name[len(prefix) :])
        return name

    @staticmethod
    def get_kprobe_functions(event_re):
        """Set of kernel functions (bytes) whose whole name matches and that can be probed."""
        event_re = _assert_is_bytes(event_re)
        found = _native.kprobe_functions(os.fsdecode(event_re))
        if found is not None:
            return set(found)
        # Look-around and back references are Python's own.
        import re

        match = re.compile(event_re).fullmatch
        return {name for name in _native.kprobe_functions(".*") if match(name)}

    @staticmethod
    def get_user_functions(name, sym_re):
        """Set of function names (bytes) of a binary that match."""
        return {fn for fn, _ in KernelMixin.get_user_functions_and_addresses(name, sym_re)}

    @staticmethod
    def get_user_addresses(name, sym_re):
        """Set of addresses of a binary's functions that match."""
        return {addr for _, addr in KernelMixin.get_user_functions_and_addresses(name, sym_re)}

    @staticmethod
    def get_user_functions_and_addresses(name, sym_re):
        """List of (name bytes, address in the file) of a binary's functions that match."""
        return _matching(_native.UserModule(_assert_is_bytes(name), -1), sym_re)

    @staticmethod
    def get_tracepoints(tp_re):
        """List of `category:event` (bytes) that match from their start on."""
        import re

        match = re.compile(_assert_is_bytes(tp_re)).match
        return [name for name in _native.tracepoints() if match(name)]

    @staticmethod
    def tracepoint_exists(category, event):
        """Whether the kernel has the tracepoint."""
        return _native.tracepoint_exists(category, event)

    @staticmethod
    def find_exe(bin_path):
        """Path (bytes) of an executable on PATH, or None."""
        return _native.find_executable(_assert_is_bytes(bin_path))

    @staticmethod
    def find_library(libname, pid=0):
        """Path (bytes) of a library by its short name, as process `pid` sees it; or None."""
        return _native.find_library(_assert_is_bytes(libname), pid or 0)

    @staticmethod
    def kernel_struct_has_field(struct_name, field_name):
        """1 or 0; -1 when the kernel has no BTF or no such struct."""
        return _native.struct_has_field(
            _assert_is_bytes(struct_name), _assert_is_bytes(field_name)
        )

    @staticmethod
    def kernel_enum_has_val(enum_name, value_name):
        """1 or 0; -1 when the kernel has no BTF or no such enum. An empty name means any unnamed enum."""
        return _native.enum_has_value(_assert_is_bytes(enum_name), _assert_is_bytes(value_name))

    @staticmethod
    def support_kfunc():
        """Whether the kernel takes fentry and fexit programs."""
        return _native.supports("fentry")

    @staticmethod
    def support_fmod_ret():
        """Whether the kernel takes fmod_ret programs."""
        return _native.supports("fmod_ret")

    @staticmethod
    def support_lsm():
        """Whether the kernel takes LSM programs."""
        return _native.supports("lsm")

    @staticmethod
    def support_raw_tracepoint():
        """Whether the kernel takes raw tracepoint programs."""
        return _native.supports("raw_tracepoint")

    @staticmethod
    def support_raw_tracepoint_in_module():
        """Whether raw tracepoints of kernel modules can be used."""
        try:
            return _native.ksymname(b"bpf_trace_modules") != -1
        except _native.SymbolError:
            return False

    @classmethod
    def monotonic_time(cls):
        """CLOCK_MONOTONIC in nanoseconds, as a float."""
        return float(time.monotonic_ns())

    @classmethod
    def generate_auto_includes(cls, program_words):
        """`#include` lines (str) for the kernel headers that words of a program hint at."""
        headers = (
            header
            for header, keywords in _AUTO_INCLUDES.items()
            if any(keyword in word for keyword in keywords for word in program_words)
        )
        return "".join(f"#include <{header}>\n" for header in headers)
