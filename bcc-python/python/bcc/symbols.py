"""Addresses to names and back."""

from . import _native
from .utils import _assert_is_bytes

# pid -> cache; all kernel lookups share the one of pid -1.
_sym_caches: dict[int, "SymbolCache"] = {}


class SymbolCache:
    """Names of one process's addresses, or of the kernel's for `pid` < 0."""

    def __init__(self, pid):
        self.cache = _native.SymbolCache(-1 if pid is None else pid)

    def resolve(self, addr, demangle):
        """(name, offset, module) of an address; unknown: (None, addr, None) or (None, offset, module)."""
        return self.cache.resolve(addr, demangle)

    def source(self, addr, demangle=True):
        """[(function, file, line)] around an address, the innermost inlined function first."""
        return self.cache.source(addr, demangle)

    def resolve_name(self, module, name):
        """Address of a symbol, -1 when there is none; SymbolError when the kernel hides its own."""
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

    # Straight into the library: programs name frames by the million.
    sym = staticmethod(_native.sym)
    ksym = staticmethod(_native.ksym)

    @staticmethod
    def ksymname(name):
        """Address of a kernel symbol, -1 when there is none; SymbolError when they are hidden."""
        return _native.ksymname(_assert_is_bytes(name))

    @staticmethod
    def add_module(modname):
        """Makes an ELF file known to `sym` for build-id stacks; warns of one that cannot be read."""
        try:
            _native.add_build_id_module(_assert_is_bytes(modname))
        except _native.SymbolError as why:
            import warnings

            warnings.warn(str(why), stacklevel=2)  # scripts name files that not every machine has
