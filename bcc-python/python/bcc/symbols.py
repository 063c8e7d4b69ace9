"""Addresses to names and back."""

from . import _native
from .utils import _assert_is_bytes

# pid -> cache; all kernel lookups share the one of pid -1.
_sym_caches = {}


class SymbolCache:
    """Names of one process's addresses, or of the kernel's for `pid` < 0."""

    def __init__(self, pid):
        self.cache = _native.SymbolCache(-1 if pid is None or pid < 0 else pid)

    def resolve(self, addr, demangle):
        """(name, offset, module) of an address; unknown: (None, addr, None) or (None, offset, module)."""
        return self.cache.resolve(addr, demangle)

    def resolve_name(self, module, name):
        """Address of a symbol, -1 when there is none."""
        return self.cache.resolve_name(_assert_is_bytes(module), _assert_is_bytes(name))


class SymbolMixin:
    """`sym`, `ksym` and their kin of `BPF`."""

    @staticmethod
    def _sym_cache(pid):
        """The process-wide cache of a pid; all pids below 0 are the kernel."""
        if pid < 0 and pid != -1:
            pid = -1
        cache = _sym_caches.get(pid)
        if cache is None:
            cache = _sym_caches[pid] = SymbolCache(pid)
        return cache

    @staticmethod
    def sym(addr, pid, show_module=False, show_offset=False, demangle=True):
        """Text (bytes) of an address of process `pid`, of the kernel for `pid` < 0.

        `addr` may be a `bcc_stacktrace_build_id` of a build-id stack. Unknown: `[unknown]`.
        """
        if hasattr(addr, "build_id"):
            return _native.build_id_symbol(
                bytes(addr.build_id), addr.offset, show_module, show_offset, demangle
            )
        return SymbolMixin._sym_cache(pid).cache.text(addr, show_module, show_offset, demangle)

    @staticmethod
    def ksym(addr, show_module=False, show_offset=False):
        """Text (bytes) of a kernel address."""
        return SymbolMixin._sym_cache(-1).cache.text(addr, show_module, show_offset, False)

    @staticmethod
    def ksymname(name):
        """Address of a kernel symbol, -1 when there is none."""
        return _native.ksymname(_assert_is_bytes(name))

    @staticmethod
    def add_module(modname):
        """Makes an ELF file known to `sym` for build-id stacks."""
        _native.add_build_id_module(_assert_is_bytes(modname))
